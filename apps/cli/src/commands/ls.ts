import type { BerthClient } from '@berth/client';
import type { Job, JobState } from '@berth/contract';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { devicesOf, STATE_COLOURS, timeOf, whyOf } from '../job-words.js';
import { type Action, addVerb, type Kit, type Outcome, withExamples } from '../kit.js';
import { type Column, renderTable } from '../table.js';
import type { Terminal } from '../terminal.js';
import { type WatchOptions, watched, withWatch } from '../watch.js';

// In the order of a job's life: one that moves on between two questions is seen twice, never missed.
const UNFINISHED: readonly JobState[] = ['pending', 'starting', 'running', 'stopping'];
const STATES: readonly JobState[] = [...UNFINISHED, 'succeeded', 'failed', 'cancelled'];
const DEFAULT_LIMIT = 100;

interface ListOptions extends WatchOptions {
  all?: boolean;
  state?: JobState;
  limit?: number;
  group?: string;
  schedule?: string;
}

export function addLs(program: Command, kit: Kit, outcome: Outcome): void {
  const command = program
    .command('ls')
    .aliases(['ps', 'list'])
    .description('list jobs that wait or run; also: berth alone')
    .option('-a, --all', 'also those that have ended, newest first')
    .addOption(new Option('--state <state>', 'only jobs in this state, newest first').choices(STATES))
    .option('--group <id>', 'only jobs that were submitted together, newest first')
    .option('--schedule <id>', 'only jobs that came of this schedule, newest first')
    .option('-n, --limit <n>', `with --all or --state: at most so many (default ${DEFAULT_LIMIT})`, positive);
  withExamples(
    command,
    'berth ls',
    'berth ls -a -n 20',
    'berth ls --state failed --json',
    'berth ls --watch 5',
  );
  addVerb(withWatch(command), kit, outcome, watched('ls', list));
}

export function positive(text: string): number {
  if (!/^[1-9]\d{0,14}$/.test(text)) throw new InvalidArgumentError('It must be a whole number, 1 or more.');
  return Number(text);
}

const list: Action<ListOptions> = async ({ client, terminal }, options) => {
  const byState =
    options.all ||
    options.state !== undefined ||
    options.group !== undefined ||
    options.schedule !== undefined;
  const { jobs, more } = byState ? await newest(client, options) : await unfinished(client);
  if (options.json) {
    terminal.json({ items: jobs, nextCursor: more });
    return 0;
  }
  if (jobs.length === 0) {
    const none = options.state ? `no job is ${options.state}` : 'no job waits or runs; berth ls -a shows all';
    terminal.note(options.all && !options.state ? 'there are no jobs yet' : none);
    return 0;
  }
  const now = Date.now();
  for (const line of renderTable(jobs, columnsOf(terminal, now), terminal.columns)) terminal.print(line);
  if (more) terminal.note(`there are more; berth ls -n ${jobs.length * 10} shows them`);
  return 0;
};

async function newest(client: BerthClient, { state, group, schedule, limit = DEFAULT_LIMIT }: ListOptions) {
  const jobs: Job[] = [];
  for await (const job of client.jobs.list({ state, group, schedule, limit: limit + 1 })) jobs.push(job);
  const hasMore = jobs.length > limit;
  if (hasMore) jobs.pop();
  return { jobs, more: hasMore ? String(jobs.at(-1)?.number) : null };
}

/** What runs, oldest first, then what waits, in its order. */
export async function unfinished(client: BerthClient) {
  const found = new Map<string, Job>();
  for (const state of UNFINISHED) {
    for await (const job of client.jobs.list({ state })) found.set(job.id, job);
  }
  const place = ({ state, position }: Job): number =>
    state === 'pending' ? (position ?? Number.MAX_SAFE_INTEGER) : 0;
  const jobs = [...found.values()].sort((a, b) => place(a) - place(b) || a.number - b.number);
  return { jobs, more: null };
}

export function columnsOf(terminal: Terminal, now: number): Column<Job>[] {
  return [
    { title: 'NUMBER', cell: ({ number }) => String(number), align: 'right' },
    { title: 'NAME', cell: ({ name }) => name, mayShrink: true },
    { title: 'USER', cell: ({ user }) => user },
    {
      title: 'STATE',
      cell: ({ state }) => state,
      paint: ({ state }, text) => terminal.paint(STATE_COLOURS[state], text),
    },
    { title: 'GPUS', cell: ({ gpus }) => String(gpus), align: 'right' },
    { title: 'DEVICES', cell: devicesOf, mayShrink: true },
    { title: 'TIME', cell: (job) => timeOf(job, now), align: 'right' },
    { title: 'REASON/CAUSE', cell: whyOf, mayShrink: true },
  ];
}
