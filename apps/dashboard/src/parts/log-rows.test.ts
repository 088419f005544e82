import { expect, it } from 'vitest';
import { columnsOf, lineAt, rowsOf } from './log-rows.js';

const lines = [10, 0, 25, 20].map((columns) => 'x'.repeat(columns));

it.each([
  ['plain', 5],
  ['\x1b[31mred\x1b[0m', 3],
  ['a\x1b]0;title\x07b', 2],
  ['模型 ok', 7],
  ['a\tb', 9],
  ['12345678\tb', 17],
  ['🚀', 2],
  ['', 0],
])('%j takes %i columns', (line, columns) => {
  expect(columnsOf(line)).toBe(columns);
});

it('a line has as many rows as it needs, an empty one too', () => {
  expect([...rowsOf(lines, 10)]).toEqual([0, 1, 2, 5, 7]);
  expect([...rowsOf(lines, null)]).toEqual([0, 1, 2, 3, 4]);
  expect([...rowsOf([], 10)]).toEqual([0]);
});

it('a row is found in its line', () => {
  const begins = rowsOf(lines, 10);
  expect([0, 1, 2, 4, 5, 6].map((row) => lineAt(begins, row))).toEqual([0, 1, 2, 2, 3, 3]);
  expect([-5, 100].map((row) => lineAt(begins, row))).toEqual([0, 3]);
  expect(lineAt(rowsOf([], 10), 3)).toBe(0);
});
