import { harmless } from './terminal.js';

const GAP = '  ';
// East Asian wide and full-width forms, and pictures (Unicode Standard Annex 11), by their blocks.
const WIDE =
  /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe4f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1faff}\u{20000}-\u{3fffd}]/u;
const MARK = /\p{M}/u;
const LEAST_COLUMN_WIDTH = 8;

export interface Column<Row> {
  title: string;
  cell: (row: Row) => string;
  align?: 'right';
  /** May be cut where the line is too long; the last such column is cut first. */
  mayShrink?: boolean;
  paint?: (row: Row, text: string) => string;
}

/** Lines of a table without borders, as kubectl prints them, none wider than `width` where cutting can do that. */
export function renderTable<Row>(
  rows: readonly Row[],
  columns: readonly Column<Row>[],
  width: number,
): string[] {
  const cells = rows.map((row) => columns.map(({ cell }) => harmless(cell(row))));
  const widths = columns.map(({ title }, i) =>
    Math.max(displayWidth(title), ...cells.map((line) => displayWidth(line[i] as string))),
  );
  shrink(widths, columns, width);

  const line = (texts: readonly string[], row?: Row): string =>
    columns
      .map(({ align, paint }, i) => {
        const text = cut(texts[i] as string, widths[i] as number);
        const blank = ' '.repeat((widths[i] as number) - displayWidth(text));
        const shown = row !== undefined && paint ? paint(row, text) : text;
        if (align === 'right') return blank + shown;
        return i === columns.length - 1 ? shown : shown + blank;
      })
      .join(GAP)
      .trimEnd();
  return [line(columns.map(({ title }) => title)), ...rows.map((row, i) => line(cells[i] as string[], row))];
}

function shrink<Row>(widths: number[], columns: readonly Column<Row>[], width: number): void {
  let excess = widths.reduce((sum, each) => sum + each, 0) + GAP.length * (columns.length - 1) - width;
  for (let i = columns.length - 1; i >= 0 && excess > 0; i -= 1) {
    if (!columns[i]?.mayShrink) continue;
    const before = widths[i] as number;
    const after = Math.max(Math.min(before, LEAST_COLUMN_WIDTH), before - excess);
    widths[i] = after;
    excess -= before - after;
  }
}

/** Cuts text to a width in a terminal's cells, and shows that it did. */
export function cut(text: string, width: number): string {
  if (displayWidth(text) <= width) return text;
  let kept = '';
  let used = 0;
  for (const letter of text) {
    used += displayWidth(letter);
    if (used > width - 1) break;
    kept += letter;
  }
  return `${kept}…`;
}

/** How many cells of a terminal a text takes, near enough for names. */
export function displayWidth(text: string): number {
  let width = 0;
  for (const letter of text) {
    if (!MARK.test(letter)) width += WIDE.test(letter) ? 2 : 1;
  }
  return width;
}
