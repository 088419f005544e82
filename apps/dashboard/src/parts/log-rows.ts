/** What a terminal obeys instead of showing it: colours, titles and the like (ECMA-48, 5.4; OSC as xterm has it). */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
const SEQUENCES = /\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\))/g;
const PLAIN = /^[\x20-\x7e]*$/;
/** Signs of one UTF-16 unit that are two columns wide (Unicode's East Asian Width); those of two units are, too, or nearly. */
const WIDE = /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]/g;
const TAB = 8;

/** How many columns a line takes: exact for ASCII, close for the rest. */
export function columnsOf(line: string): number {
  if (PLAIN.test(line)) return line.length;
  const cells = line.replace(SEQUENCES, '').replace(WIDE, '  ').split('\t');
  return cells.reduce((columns, cell, i) => {
    const begin = i === 0 ? 0 : (Math.floor(columns / TAB) + 1) * TAB;
    return begin + cell.length;
  }, 0);
}

/**
 * In which row each line begins, and behind the last of them how many rows there are in all.
 * @param columns how many a row has room for; null: lines aren't wrapped
 */
export function rowsOf(lines: readonly string[], columns: number | null): Uint32Array {
  const begins = new Uint32Array(lines.length + 1);
  lines.forEach((line, i) => {
    const rows = columns === null ? 1 : Math.max(1, Math.ceil(columnsOf(line) / columns));
    begins[i + 1] = (begins[i] as number) + rows;
  });
  return begins;
}

/** Which line a row is of; the first or the last one where there is no such row. */
export function lineAt(begins: Uint32Array, row: number): number {
  let low = 0;
  let high = Math.max(0, begins.length - 2);
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((begins[middle] as number) <= row) low = middle;
    else high = middle - 1;
  }
  return low;
}
