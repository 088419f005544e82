import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { digestOf, ROOT, readStamp, run } from './step.mjs';

const STAMP = 'node_modules/.berth-setup';

/** @returns {import('./step.mjs').Step} */
export function npmPackages() {
  return {
    does: 'install npm packages',
    needed: () => {
      if (!existsSync(join(ROOT, 'node_modules'))) return 'there are none';
      return readStamp(STAMP) === digestOf(['package-lock.json']) ? null : 'package-lock.json has changed';
    },
    run: () => {
      // Every package works without its install script; the one that has any only makes BullMQ's packing faster.
      run('npm', ['ci', '--no-audit', '--no-fund', '--ignore-scripts'], {
        hint: 'Does npm reach its registry (npm ping)?',
      });
      writeFileSync(join(ROOT, STAMP), digestOf(['package-lock.json']));
    },
  };
}
