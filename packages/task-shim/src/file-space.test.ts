import {
  appendFileSync,
  closeSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { freeBeginning } from './file-space.js';

const folder = mkdtempSync(join(tmpdir(), 'berth-space-'));
afterAll(() => rmSync(folder, { recursive: true }));

it('the beginning of a file gives its space back, and nothing else changes', () => {
  const file = join(folder, 'lines');
  writeFileSync(file, 'x'.repeat(1 << 20));
  appendFileSync(file, 'the end');
  const { size, blocks } = statSync(file);
  const fd = openSync(file, 'r+');
  expect(freeBeginning(fd, 1 << 20)).toBe(true);
  closeSync(fd);
  appendFileSync(file, ', and more');
  expect(statSync(file).size).toBe(size + 10);
  expect(statSync(file).blocks).toBeLessThan(blocks / 50);
  expect(readFileSync(file, 'utf8').slice(1 << 20)).toBe('the end, and more');
});

it('what is no file that can be written is an error', () => {
  expect(() => freeBeginning(-1, 1)).toThrow(expect.objectContaining({ code: 'EBADF' }) as Error);
});
