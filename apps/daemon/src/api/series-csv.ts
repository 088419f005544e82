import type { Series } from '@berth/contract';

const COLUMNS = ['name', 'axis', 'x', 'at', 'last', 'min', 'max', 'source'] as const;

/** Series as CSV (RFC 4180), a line for each point; what is not known is left empty. */
export function csvOf(series: readonly Series[]): string {
  const lines = series.flatMap(({ name, axis, source, points }) =>
    points.map((point) => {
      const line = { name, axis, source, ...point };
      return COLUMNS.map((column) => field(line[column]));
    }),
  );
  return [[...COLUMNS], ...lines].map((line) => `${line.join(',')}\r\n`).join('');
}

function field(value: string | number | null): string {
  const text = value === null ? '' : String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
