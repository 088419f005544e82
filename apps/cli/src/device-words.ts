import type { Device, Restart } from '@berth/contract';
import { duration, memory, secondsBetween, size, UNKNOWN } from './figures.js';
import { cut, displayWidth } from './table.js';
import { harmless, type Terminal } from './terminal.js';

const STALE_SECONDS = 30;
const GAP = ' │ ';
/** Narrower than this nobody reads anything: rather a line too long. */
const LEAST_WIDTH = 12;

/** How people name a device: `3`, or `0:1` for a MIG instance. */
export function placeOf({ index, mig }: Pick<Device, 'index' | 'mig'>): string {
  return mig ? `${index}:${mig.index}` : String(index);
}

/** One line a device, in gpustat's order: what it is, its load, its memory, who has it, what is the matter with it. */
export function deviceLines(items: readonly Device[], terminal: Terminal): string[] {
  const rows = items.map((device) => [
    `[${placeOf(device)}] ${harmless(device.name)}${device.simulated ? ' (simulated)' : ''}`,
    figure(device.sample?.temperatureCelsius ?? null, '°C'),
    loadOf(device),
    memory(device.sample?.memoryUsedBytes ?? null, device.memoryTotalBytes),
    holderOf(device),
  ]);
  const widths = [0, 1, 2, 3].map((i) => Math.max(...rows.map((row) => displayWidth(row[i] as string))));
  return rows.flatMap((row, i) => {
    const cells = row.map((text, column) => {
      const blank = ' '.repeat(Math.max(0, (widths[column] ?? 0) - displayWidth(text)));
      return column >= 1 && column <= 3 ? blank + text : text + blank;
    });
    const device = items[i] as Device;
    const figures = cells.slice(0, 4).join(GAP);
    const room = terminal.columns - displayWidth(figures) - GAP.length;
    const holder = cut(cells[4] as string, Math.max(room, LEAST_WIDTH));
    const left = room - displayWidth(holder) - GAP.length;
    const trouble = troubleOf(device);
    const line = `${figures}${GAP}${device.holders.length > 0 ? terminal.paint('cyan', holder) : holder}`;
    if (!trouble) return [line];
    if (left >= displayWidth(trouble)) return [`${line}${GAP}${terminal.paint('red', trouble)}`];
    return [line, terminal.paint('red', cut(`    ${trouble}`, terminal.columns))];
  });
}

function figure(value: number | null, unit: string): string {
  return `${value === null ? UNKNOWN : Math.round(value)} ${unit}`;
}

function loadOf({ sample }: Device): string {
  return figure(sample?.utilisation == null ? null : sample.utilisation * 100, '%');
}

function holderOf({ holders, sample }: Device): string {
  const foreign = (sample?.processes ?? []).filter(({ job }) => job === null);
  const bytes = foreign.reduce((sum, { memoryBytes }) => sum + (memoryBytes ?? 0), 0);
  const count = `${foreign.length} foreign process${foreign.length === 1 ? '' : 'es'}${bytes > 0 ? ` (${size(bytes)})` : ''}`;
  const job = holders.length > 0 ? harmless(holders.map(holderName).join(', ')) : null;
  if (foreign.length === 0) return job ?? UNKNOWN;
  return job ? `${job} and ${count}` : `no job, but ${count}`;
}

/** Whose job holds it, and which, where that may be seen. */
export function holderName({ number, user, name }: Device['holders'][0]): string {
  return number === null ? `a job of ${user}` : `job ${number} ${user}:${name}`;
}

/** What is the matter with it, if anything is. */
export function troubleOf({ health, obstacles, sample, workerRestarts }: Device): string | null {
  const [first] = obstacles;
  if (first) return harmless(`kept from jobs: ${first.sentence}`);
  if (health.state !== 'ok' && health.state !== 'unknown') return harmless(health.sentence ?? health.state);
  if (sample && sample.ageSeconds > STALE_SECONDS) return `as of ${duration(sample.ageSeconds)} ago`;
  return restartsOf(workerRestarts);
}

/** That a process of Berth had died in the last 24 hours; null: it had not. */
export function restartsOf(restarts: readonly Restart[]): string | null {
  const [last] = restarts;
  if (!last) return null;
  const times = `${restarts.length} restart${restarts.length === 1 ? '' : 's'}`;
  const ago = duration(secondsBetween(last.at, Date.now()));
  return harmless(`${times} in 24 h, last ${ago} ago: ${last.sentence}`);
}
