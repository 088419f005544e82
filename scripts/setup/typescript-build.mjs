import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT, readStamp, run } from './step.mjs';

const PRODUCTS = ['apps/daemon/dist/main.js', 'apps/cli/dist/main.js'];

/** tsc knows best what has changed, and says so in a moment. @returns {import('./step.mjs').Step} */
export function typescriptBuild() {
  const compiler = 'node_modules/typescript/bin/tsc';
  return {
    does: 'compile the TypeScript',
    needed: () => {
      // A clone that isn't installed yet: the steps before this one bring the compiler.
      if (!existsSync(join(ROOT, compiler)) || readStamp('node_modules/.berth-setup') === null)
        return 'it was never compiled';
      if (PRODUCTS.some((product) => !existsSync(join(ROOT, product)))) return 'it was never compiled';
      return /would (build|update)/i.test(run('node', [compiler, '-b', '--dry', '--verbose']))
        ? 'it has changed'
        : null;
    },
    run: () => run('node', [compiler, '-b'], { hint: 'npm run check shows all errors.' }),
  };
}
