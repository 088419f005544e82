import {
  closeSync,
  existsSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { turnOver } from './process-logs.js';

it('a large log begins anew under the hands of its writer, and the old one is kept once', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'berth-process-logs-'));
  const [large, small] = [join(folder, 'large.log'), join(folder, 'small.log')];
  writeFileSync(small, 'short');
  const writer = openSync(large, 'a');
  writeSync(writer, 'more than ten bytes');
  await turnOver([large, small, join(folder, 'none.log')], 10);
  writeSync(writer, 'new');
  closeSync(writer);
  expect(readFileSync(large, 'utf8')).toBe('new');
  expect(readFileSync(`${large}.1`, 'utf8')).toBe('more than ten bytes');
  expect(readFileSync(small, 'utf8')).toBe('short');
  expect(existsSync(`${small}.1`)).toBe(false);
  rmSync(folder, { recursive: true });
});
