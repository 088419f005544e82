import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { violations } from './check-arrows.mjs';

const roots = [];
afterAll(() => {
  for (const root of roots) rmSync(root, { recursive: true });
});

function tree(files) {
  const root = mkdtempSync(join(tmpdir(), 'berth-arrows-'));
  roots.push(root);
  for (const [file, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, file)), { recursive: true });
    writeFileSync(join(root, file), text);
  }
  return root;
}

it.each([
  ['packages/client/src/a.ts', "import { x } from '@berth/daemon';"],
  ['packages/contract/src/a.ts', "import { x } from '@berth/scheduler';"],
  ['packages/scheduler/src/a.ts', "import { x } from '@berth/contract';"],
  ['packages/scheduler/src/a.ts', "import { readFileSync } from 'node:fs';"],
  ['apps/cli/src/a.ts', "import { x } from '../../daemon/src/config.js';"],
  ['apps/daemon/src/api/a.ts', "import { x } from '../scheduling/loop.js';"],
  ['apps/daemon/src/api/a.ts', "const x = await import('../worker/main.js');"],
  ['apps/daemon/src/ledger/a.ts', "import {\n  x,\n} from '../api/server.js';"],
  ['apps/daemon/src/api/a.ts', "import { x } from '../schedules/ticks.js';"],
  ['apps/daemon/src/schedules/a.ts', "import { x } from '../api/job-request.js';"],
  ['apps/daemon/src/worker/a.ts', "import { x } from '../daemon.js';"],
  ['apps/daemon/src/api/a.ts', "import { x } from '../composition/ground.js';"],
])('finds %s that says %s', (file, text) => {
  expect(violations(tree({ [file]: `// one\n${text}\n` }))).toEqual([expect.stringContaining(`${file}:`)]);
});

it.each([
  ['packages/scheduler/src/a.ts', "import type { X } from '@berth/contract';"],
  [
    'apps/daemon/src/api/a.ts',
    "import { x } from '../ledger/ledger.js';\nimport { y } from '../data-directory.js';",
  ],
  ['apps/daemon/src/daemon.ts', "import { x } from './api/server.js';"],
  ['apps/daemon/src/composition/a.ts', "import { x } from '../api/server.js';"],
  ['packages/task-shim/src/a.ts', "import { readFileSync } from 'node:fs';"],
])('lets %s say %s', (file, text) => {
  expect(violations(tree({ [file]: text }))).toEqual([]);
});
