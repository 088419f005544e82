import type { UserUsage } from '@berth/contract';
import type { Command } from 'commander';
import { duration, UNKNOWN } from '../figures.js';
import { type Action, addVerb, type Kit, type Outcome, withExamples } from '../kit.js';
import { type Column, renderTable } from '../table.js';
import { type WatchOptions, watched, withWatch } from '../watch.js';

export function addUsage(program: Command, kit: Kit, outcome: Outcome): void {
  const command = program
    .command('usage')
    .description('what each user has used, holds and may have; whose turn is next comes first');
  withExamples(command, 'berth usage', 'berth usage --watch');
  addVerb(withWatch(command), kit, outcome, watched('usage', show));
}

const show: Action<WatchOptions> = async ({ client, terminal }, { json }) => {
  const usage = await client.usage();
  if (json) {
    terminal.json(usage);
    return 0;
  }
  if (usage.users.length === 0) {
    terminal.note('nobody has used a device yet');
    return 0;
  }
  for (const line of renderTable(usage.users, COLUMNS, terminal.columns)) terminal.print(line);
  terminal.note(
    `OF LATE: what was ${duration(usage.halfLifeSeconds)} ago counts for half; jobs of a user with FACTOR 1 have a start of ${duration(usage.reachSeconds)} over those with 0`,
  );
  return 0;
};

const hours = (seconds: number): string => (seconds / 3600).toFixed(seconds < 36_000 ? 2 : 0);
const figure = (gpus: number): string => String(Math.round(gpus * 100) / 100);
const outOf = (held: string, most: number | null): string => (most === null ? held : `${held} of ${most}`);

const COLUMNS: Column<UserUsage>[] = [
  { title: 'USER', cell: ({ user }) => user },
  { title: 'GPU-HOURS', cell: ({ gpuSecondsTotal }) => hours(gpuSecondsTotal), align: 'right' },
  {
    title: 'OF LATE',
    cell: ({ gpuSecondsDecayed }) => hours(gpuSecondsDecayed),
    align: 'right',
  },
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
