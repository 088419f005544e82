import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { digestOf, ROOT, readStamp, run } from './step.mjs';

const SOURCES = [
  'apps/dashboard/src',
  'apps/dashboard/index.html',
  'apps/dashboard/vite.config.ts',
  'packages/client/src',
  'packages/contract/src',
];
const PAGE = 'apps/dashboard/dist/index.html';
const STAMP = 'node_modules/.berth-dashboard';

/** The web page, as static files. @returns {import('./step.mjs').Step} */
export function dashboardBuild() {
  return {
    does: 'build the dashboard',
    needed: () => {
      if (!existsSync(join(ROOT, PAGE))) return 'it was never built';
      return readStamp(STAMP) === digestOf(SOURCES) ? null : 'its sources have changed';
    },
    run: () => {
      run('node', ['node_modules/vite/bin/vite.js', 'build', 'apps/dashboard']);
      mkdirSync(join(ROOT, 'node_modules'), { recursive: true });
      writeFileSync(join(ROOT, STAMP), digestOf(SOURCES));
    },
  };
}
