import type { Device, Job } from '@berth/contract';
import { columnsOf } from '../commands/ls.js';
import { holderName, placeOf, troubleOf } from '../device-words.js';
import { memory, size, UNKNOWN } from '../figures.js';
import { cut, displayWidth, renderTable } from '../table.js';
import { harmless, type Terminal } from '../terminal.js';
import { cursorOf, filtered, type Snapshot, type TopState } from './model.js';

const BAR_CELLS = 20;
const INVERSE = ['\x1b[7m', '\x1b[27m'] as const;

/** How much room there is. */
export interface Room {
  columns: number;
  rows: number;
}

/** The whole screen. */
export function screenLines(
  snapshot: Snapshot,
  state: TopState,
  terminal: Terminal,
  { columns, rows }: Room,
  now: number,
): string[] {
  const { mode } = state;
  const footer = terminal.paint(mode.kind === 'confirm' ? 'yellow' : 'dim', cut(footerOf(state), columns));
  const body = rows - 2;
  if (mode.kind === 'text') {
    const title = cut(harmless(`berth ${mode.verb} ${mode.job.number}  ${mode.job.name}`), columns);
    const shown = mode.lines.slice(mode.first, mode.first + body);
    return [terminal.paint('bold', title), ...filledTo(body, shown), footer];
  }
  const devices = deviceRows(snapshot.devices, terminal, columns);
  // The queue is what people steer: it gets at least half of the room.
  const forDevices = Math.max(1, Math.min(devices.length, Math.floor(body / 2)));
  const hidden = devices.length - forDevices;
  const shown =
    hidden > 0 ? [...devices.slice(0, forDevices - 1), `    … ${hidden + 1} more lines`] : devices;
  const jobs = filtered(snapshot.jobs, state.filter);
  const queue = queueRows(jobs, state, terminal, { columns, rows: body - shown.length - 1 }, now);
  return [
    terminal.paint('bold', cut(titleOf(snapshot, now), columns)),
    ...filledTo(body, [...shown, '', ...queue]),
    footer,
  ];
}

/** For a program that reads: the same, once, whole. */
export function plainLines(snapshot: Snapshot, terminal: Terminal, now: number): string[] {
  const { columns } = terminal;
  const jobs = renderTable(snapshot.jobs, columnsOf(terminal, now), columns);
  return [titleOf(snapshot, now), ...deviceRows(snapshot.devices, terminal, columns), '', ...jobs];
}

function titleOf({ devices, jobs, trouble }: Snapshot, now: number): string {
  if (trouble.length > 0) return harmless(`berth top: ${trouble[0]}`);
  const busy = devices.filter(({ holders }) => holders.length > 0).length;
  const waiting = jobs.filter(({ state }) => state === 'pending').length;
  const clock = new Date(now).toTimeString().slice(0, 8);
  return `berth top  ${busy} of ${devices.length} devices held  ${jobs.length - waiting} running  ${waiting} waiting  ${clock}`;
}

function footerOf({ mode, filter, message }: TopState): string {
  if (mode.kind === 'confirm')
    return harmless(`cancel job ${mode.job.number} (${mode.job.name})? y: yes, any other key: no`);
  if (mode.kind === 'filter') return `/${filter}▏  Enter: keep, Esc: all`;
  if (mode.kind === 'text') return '↑↓ scroll  q back';
  if (message !== '') return harmless(message);
  const keys = '↑↓ select  Enter show  l logs  c cancel  / filter  q quit';
  return filter === '' ? keys : `filter: ${filter} (Esc: all)  ${keys}`;
}

/** Each device with its load and memory, and below it who has how much of it. */
function deviceRows(devices: readonly Device[], terminal: Terminal, columns: number): string[] {
  const names = devices.map((device) => `[${placeOf(device)}] ${harmless(device.name)}`);
  const width = Math.min(Math.max(0, ...names.map(displayWidth)), 36);
  return devices.flatMap((device, i) => {
    const { sample, memoryTotalBytes } = device;
    const name = cut(names[i] as string, width);
    const figures = [
      `${figure(sample?.temperatureCelsius ?? null)} °C`,
      `${figure(sample?.utilisation == null ? null : sample.utilisation * 100)} %`,
      memoryBar(device),
      memory(sample?.memoryUsedBytes ?? null, memoryTotalBytes),
    ];
    const line = `${name}${' '.repeat(width - displayWidth(name))}  ${figures.join('  ')}`;
    const trouble = troubleOf(device);
    const users = usersOf(device).map((text) =>
      terminal.paint('cyan', cut(harmless(`    ${text}`), columns)),
    );
    return [
      cut(line, columns),
      ...users,
      ...(trouble ? [terminal.paint('red', cut(`    ${trouble}`, columns))] : []),
    ];
  });
}

function figure(value: number | null): string {
  return (value === null ? UNKNOWN : String(Math.round(value))).padStart(3);
}

/** What jobs use of it, what else is used, what is free. */
function memoryBar({ sample, memoryTotalBytes }: Device): string {
  if (!sample || !memoryTotalBytes || sample.memoryUsedBytes === null) return '░'.repeat(BAR_CELLS);
  const cells = (bytes: number): number =>
    Math.min(BAR_CELLS, Math.ceil((bytes / memoryTotalBytes) * BAR_CELLS));
  const used = cells(sample.memoryUsedBytes);
  const ours = Math.min(used, cells(sample.jobBytes ?? 0));
  return '█'.repeat(ours) + '▒'.repeat(used - ours) + '░'.repeat(BAR_CELLS - used);
}

function usersOf({ holders, sample }: Device): string[] {
  const processes = sample?.processes ?? [];
  const bytesOf = (job: string | null): number =>
    processes
      .filter((each) => each.job === job)
      .reduce((sum, { memoryBytes }) => sum + (memoryBytes ?? 0), 0);
  const foreign = processes.filter(({ job }) => job === null);
  return [
    ...holders.map((holder) => {
      const { job, sharedBytes } = holder;
      const declared = sharedBytes === null ? '' : ` of the ${size(sharedBytes)} that it declared`;
      return `${holderName(holder)}  ${size(bytesOf(job))}${declared}`;
    }),
    ...foreign.map(
      ({ pid, user, command, memoryBytes }) =>
        `no job: pid ${pid}  ${user ?? UNKNOWN}:${command ?? UNKNOWN}  ${size(memoryBytes)}`,
    ),
  ];
}

function queueRows(
  jobs: readonly Job[],
  state: TopState,
  terminal: Terminal,
  { columns, rows }: Room,
  now: number,
): string[] {
  if (jobs.length === 0)
    return [state.filter === '' ? 'no job waits or runs' : `no job has '${state.filter}' in it`];
  const cursor = cursorOf(jobs, state);
  const room = Math.max(1, rows - 1);
  const first = Math.max(0, Math.min(cursor - Math.floor(room / 2), jobs.length - room));
  const [title = '', ...lines] = renderTable(
    jobs.slice(first, first + room),
    columnsOf(terminal, now),
    columns,
  );
  return [
    title,
    ...lines.map((line, i) => (first + i === cursor ? `${INVERSE[0]}${line}${INVERSE[1]}` : line)),
  ];
}

function filledTo(count: number, lines: readonly string[]): string[] {
  return [...lines.slice(0, count), ...Array(Math.max(0, count - lines.length)).fill('')];
}
