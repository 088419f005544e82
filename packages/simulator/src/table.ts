import type { Report, Spread } from './report.js';

/** A table in Markdown that is also read well as it stands: a row for each figure, a column for each policy. */
export function renderTable(reports: readonly (Report & { policy: string })[]): string {
  const rows = [['', ...reports.map(({ policy }) => policy)]];
  const add = (title: string, figure: (report: Report) => string) =>
    rows.push([title, ...reports.map(figure)]);
  const addSpread = (title: string, of: (report: Report) => Spread, write: (value: number) => string) => {
    for (const [name, key] of SPREAD) add(`${title}, ${name}`, (report) => write(of(report)[key]));
  };
  addSpread('wait', ({ waitSeconds }) => waitSeconds, duration);
  for (const [i, { gpus, jobs }] of reports[0]?.bySize.entries() ?? []) {
    const of = (report: Report) => report.bySize[i]?.waitSeconds as Spread;
    add(`wait of jobs for ${gpus} (${jobs}), mean / p99`, (report) => pair(of(report)));
  }
  for (const [who, title] of [
    ['busiest', 'busiest'],
    ['others', 'other'],
  ] as const) {
    const some = reports[0]?.byUsers?.[who];
    if (some)
      add(`wait of the ${some.users} ${title} users' jobs (${some.jobs}), mean / p99`, ({ byUsers }) =>
        pair(byUsers?.[who].waitSeconds as Spread),
      );
  }
  add('longest wait of a job for 4 or more', ({ largestWaitOfLargeSeconds: wait }) =>
    wait === null ? 'none' : duration(wait),
  );
  addSpread('bounded slowdown', ({ boundedSlowdown }) => boundedSlowdown, factor);
  add('utilisation while jobs arrive', ({ utilisation }) =>
    utilisation === null ? 'none' : `${(100 * utilisation).toFixed(1)} %`,
  );
  add('makespan', ({ makespanSeconds }) => duration(makespanSeconds));
  add("Jain's index: users' slowdowns", ({ fairness }) => fairness.slowdown.toFixed(3));
  add("Jain's index: users' shares", ({ fairness }) => fairness.share.toFixed(3));
  return lines(rows);
}

const pair = ({ mean, p99 }: Spread): string => `${duration(mean)} / ${duration(p99)}`;

const SPREAD = [
  ['mean', 'mean'],
  ['median', 'median'],
  ['p90', 'p90'],
  ['p99', 'p99'],
  ['longest', 'largest'],
] as const;

function lines(rows: readonly string[][]): string {
  const widths = (rows[0] as string[]).map((_, i) => Math.max(4, ...rows.map((row) => row[i]?.length ?? 0)));
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell, i) => (i === 0 ? cell.padEnd(widths[i] as number) : cell.padStart(widths[i] as number))).join(' | ')} |`;
  const rule = widths.map((width, i) => (i === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`));
  return [line(rows[0] as string[]), line(rule), ...rows.slice(1).map(line)].join('\n');
}

/** In the two largest units that matter: `45s`, `3m 20s`, `2h 05m`, `1d 07h`. */
export function duration(seconds: number): string {
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole}s`;
  const [large, small, unit, next] =
    whole < 3600
      ? [60, 1, 'm', 's']
      : whole < 86_400
        ? [3600, 60, 'h', 'm']
        : ([86_400, 3600, 'd', 'h'] as const);
  const rest = Math.floor((whole % large) / small);
  return `${Math.floor(whole / large)}${unit} ${String(rest).padStart(2, '0')}${next}`;
}

const factor = (value: number): string =>
  value < 100 ? value.toFixed(1) : Math.round(value).toLocaleString('en-GB');
