import { describe, expect, it } from 'vitest';
import { type Column, cut, displayWidth, renderTable } from './table.js';

const COLUMNS: Column<{ n: number; name: string; why: string }>[] = [
  { title: 'N', cell: ({ n }) => String(n), align: 'right' },
  { title: 'NAME', cell: ({ name }) => name, mayShrink: true },
  { title: 'WHY', cell: ({ why }) => why, mayShrink: true },
];
const ROWS = [
  { n: 1, name: 'train', why: 'needs 2 free devices of at least 40 GiB' },
  { n: 12, name: 'a-very-long-name-of-a-job', why: '' },
];

describe('a table', () => {
  it('lines its columns up, without borders and without blanks at the end', () => {
    expect(renderTable(ROWS, COLUMNS, Number.POSITIVE_INFINITY)).toEqual([
      ' N  NAME                       WHY',
      ' 1  train                      needs 2 free devices of at least 40 GiB',
      '12  a-very-long-name-of-a-job',
    ]);
  });

  it.each([40, 50, 60])('fits a terminal of %i columns, cutting the last column first', (width) => {
    const lines = renderTable(ROWS, COLUMNS, width);
    expect(Math.max(...lines.map(displayWidth))).toBeLessThanOrEqual(width);
    expect(lines[1]).toMatch(/…$/);
  });

  it('counts cells of the terminal, not characters', () => {
    const lines = renderTable(
      [
        { n: 1, name: '日本', why: 'x' },
        { n: 2, name: 'abcd', why: 'x' },
      ],
      COLUMNS,
      80,
    );
    expect(lines.slice(1)).toEqual([' 1  日本  x', ' 2  abcd  x'].map((line) => line.replace(/^ /, '')));
  });

  it('lets no cell steer the terminal', () => {
    const [, line] = renderTable([{ n: 1, name: '\x1b[2Jx\n\u202egnp.exe', why: '' }], COLUMNS, 80);
    expect(line).not.toMatch(/[\p{Cc}\u202e]/u);
  });
});

it('shows that a text was cut', () => {
  expect(cut('abcdef', 4)).toBe('abc…');
  expect(cut('abcd', 4)).toBe('abcd');
  expect(cut('日本語', 5)).toBe('日本…');
});
