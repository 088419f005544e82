import type { DeviceUsage, JobUsage, Usage, UserUsage } from '@berth/contract';
import { type Command, Option } from 'commander';
import { duration, UNKNOWN } from '../figures.js';
import { type Action, addVerb, type Kit, type Outcome, withExamples } from '../kit.js';
import { type Column, renderTable } from '../table.js';
import { type WatchOptions, watched, withWatch } from '../watch.js';

interface UsageOptions extends WatchOptions {
  by: 'user' | 'job' | 'device';
}

export function addUsage(program: Command, kit: Kit, outcome: Outcome): void {
  const command = program
    .command('usage')
    .description(
      'what users, jobs or devices have come to, and how much of it was idle; whose turn is next comes first',
    )
    .addOption(
      new Option('--by <what>', 'whose usage; of jobs those that used the most')
        .choices(['user', 'job', 'device'])
        .default('user'),
    );
  withExamples(command, 'berth usage', 'berth usage --by job', 'berth usage --watch');
  addVerb(withWatch(command), kit, outcome, watched('usage', show));
}

const show: Action<UsageOptions> = async ({ client, terminal }, { json, by }) => {
  const usage = await client.usage();
  if (json) {
    terminal.json(usage);
    return 0;
  }
  const lines = TABLES[by](usage, terminal.columns);
  for (const line of lines) terminal.print(line);
  terminal.note(lines.length === 0 ? 'nobody has used a device yet' : noteOf(by, usage));
  return 0;
};

const IDLE_NOTE = 'IDLE: of the time in which the device was watched, the part in which no kernel ran';

function noteOf(by: UsageOptions['by'], { halfLifeSeconds, reachSeconds }: Usage): string {
  if (by !== 'user') return IDLE_NOTE;
  const decay = `OF LATE: what was ${duration(halfLifeSeconds)} ago counts for half`;
  return `${decay}; jobs of a user with FACTOR 1 have a start of ${duration(reachSeconds)} over those with 0; ${IDLE_NOTE}`;
}

const hours = (seconds: number): string => (seconds / 3600).toFixed(seconds < 36_000 ? 2 : 0);
const figure = (gpus: number): string => String(Math.round(gpus * 100) / 100);
const outOf = (held: string, most: number | null): string => (most === null ? held : `${held} of ${most}`);

const idle = ({
  watchedGpuSeconds,
  idleGpuSeconds,
}: Pick<UserUsage, 'watchedGpuSeconds' | 'idleGpuSeconds'>) =>
  watchedGpuSeconds > 0 ? `${Math.round((100 * idleGpuSeconds) / watchedGpuSeconds)}%` : UNKNOWN;
const IDLE = { title: 'IDLE', cell: idle, align: 'right' } as const;

const BY_USER: Column<UserUsage>[] = [
  { title: 'USER', cell: ({ user }) => user },
  { title: 'GPU-HOURS', cell: ({ gpuSecondsTotal }) => hours(gpuSecondsTotal), align: 'right' },
  {
    title: 'OF LATE',
    cell: ({ gpuSecondsDecayed }) => hours(gpuSecondsDecayed),
    align: 'right',
  },
  IDLE,
  { title: 'WEIGHT', cell: ({ weight }) => String(weight), align: 'right' },
  { title: 'FACTOR', cell: ({ factor }) => factor.toFixed(2), align: 'right' },
  { title: 'GPUS', cell: ({ gpus, mostGpus }) => outOf(figure(gpus), mostGpus), align: 'right' },
  {
    title: 'RUNNING',
    cell: ({ runningJobs, mostRunningJobs }) => outOf(String(runningJobs), mostRunningJobs),
    align: 'right',
  },
  {
    title: 'IN LINE',
    cell: ({ pendingJobs }) => (pendingJobs ? String(pendingJobs) : UNKNOWN),
    align: 'right',
  },
];

const BY_JOB: Column<JobUsage>[] = [
  { title: 'JOB', cell: ({ number }) => String(number), align: 'right' },
  { title: 'NAME', cell: ({ name }) => name, mayShrink: true },
  { title: 'USER', cell: ({ user }) => user },
  { title: 'STATE', cell: ({ state }) => state },
  { title: 'GPU-HOURS', cell: ({ gpuSeconds }) => hours(gpuSeconds), align: 'right' },
  IDLE,
];

const BY_DEVICE: Column<DeviceUsage>[] = [
  { title: 'DEVICE', cell: ({ index }) => String(index), align: 'right' },
  { title: 'UUID', cell: ({ device }) => device },
  { title: 'NODE', cell: ({ node }) => node },
  { title: 'GPU-HOURS', cell: ({ gpuSeconds }) => hours(gpuSeconds), align: 'right' },
  IDLE,
];

const TABLES: Record<UsageOptions['by'], (usage: Usage, width: number) => string[]> = {
  user: ({ users }, width) => table(users, BY_USER, width),
  job: ({ jobs }, width) => table(jobs, BY_JOB, width),
  device: ({ devices }, width) => table(devices, BY_DEVICE, width),
};

function table<Row>(rows: readonly Row[], columns: readonly Column<Row>[], width: number): string[] {
  return rows.length > 0 ? renderTable(rows, columns, width) : [];
}
