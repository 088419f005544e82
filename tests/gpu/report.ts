import { appendFileSync } from 'node:fs';

/** Adds a section to the report that scripts/test-gpu.mjs makes of this run. */
export function report(title: string, ...paragraphs: string[]): void {
  const file = process.env.BERTH_GPU_FACTS;
  if (!file) throw new Error('these tests are started by: npm run test:gpu');
  appendFileSync(file, `## ${title}\n\n${paragraphs.join('\n\n')}\n\n`);
}

/** A Markdown table. */
export function tableOf(head: readonly string[], rows: readonly (readonly unknown[])[]): string {
  const line = (cells: readonly unknown[]): string =>
    `| ${cells.map((cell) => String(cell).replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

/** Text as code in a table: what can't be seen is written out. */
export function code(text: string | undefined): string {
  if (text === undefined) return '(not set)';
  const shown = JSON.stringify(text).replaceAll(/[^\x20-\x7e]/g, (char) => {
    return `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
  return `\`${shown.length > 60 ? `${shown.slice(0, 57)}…"` : shown}\``;
}

export const mebibytes = (bytes: number | null | undefined): string =>
  bytes === null || bytes === undefined ? 'unknown' : `${Math.round(bytes / 2 ** 20)} MiB`;
