import { type BerthClient, BerthProblem, type PageOptions } from '@berth/client';
import { ACTIVE_STATES, ENDED_STATES, type Job, type JobState } from '@berth/contract';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { devicesOf, STATE_COLOURS, timeOf, whyOf } from '../job-words.js';
import { type Action, addVerb, type Kit, type Outcome, withExamples } from '../kit.js';
import { collect, positive } from '../option-values.js';
import { type Column, renderTable } from '../table.js';
import { harmless, type Terminal } from '../terminal.js';
import { type WatchOptions, watched, withWatch } from '../watch.js';

// In the order of a job's life: one that moves on between two questions is seen twice, never missed.
const UNFINISHED: readonly JobState[] = ['pending', ...ACTIVE_STATES];
const STATES: readonly JobState[] = [...UNFINISHED, ...ENDED_STATES];
const DEFAULT_LIMIT = 100;

type Filters = Pick<
  PageOptions,
  'user' | 'name' | 'label' | 'device' | 'since' | 'until' | 'group' | 'schedule'
>;

interface ListOptions extends WatchOptions, Filters {
  all?: boolean;
  state?: JobState[];
  limit?: number;
}

export function addLs(program: Command, kit: Kit, outcome: Outcome): void {
  const command = withWatch(program.command('ls').aliases(['ps', 'list']))
    .description('list jobs that wait or run; also: berth alone')
    .optionsGroup('Also those that have ended, newest first:')
    .option('-a, --all', 'all there are')
    .addOption(
      new Option('--state <state>', 'in this state; several with commas').choices(STATES).argParser(states),
    )
    .option('--since <time>', 'submitted then or later: "2d" ago, 2026-11-21T02:00:00Z')
    .option('--until <time>', 'submitted before; likewise')
    .option('--group <id>', 'that were submitted together')
    .option('--schedule <id>', 'that came of this schedule')
    .option('-n, --limit <n>', `at most so many of them (default ${DEFAULT_LIMIT})`, positive)
    .optionsGroup('Only jobs:')
    .option('-u, --user <name>', 'of this user')
    .option('--name <text>', 'with this in their names')
    .option('--label <k=v>', 'labelled so, or with any value (k); several times: with all of them', collect)
    .option('--device <device>', 'that had this device');
  withExamples(
    command,
    'berth ls',
    'berth ls -a -n 20',
    'berth ls --state failed --since 1d --json',
    'berth ls -u ada --label project=vision',
    'berth ls --watch 5',
  );
  addVerb(command, kit, outcome, watched('ls', list));
}

function states(text: string, before: JobState[] = []): JobState[] {
  const named = text.split(',') as JobState[];
  const odd = named.find((each) => !STATES.includes(each));
  if (odd !== undefined)
    throw new InvalidArgumentError(`'${odd}' is no state. Allowed choices are ${STATES.join(', ')}.`);
  return [...before, ...named];
}

const list: Action<ListOptions> = async ({ client, terminal }, options) => {
  const {
    all,
    state,
    limit = DEFAULT_LIMIT,
    user,
    name,
    label,
    device,
    since,
    until,
    group,
    schedule,
  } = options;
  const alsoEnded = all || [state, since, until, group, schedule].some((each) => each !== undefined);
  const filters = { user, name, label, device, since, until, group, schedule };
  let asked: readonly JobState[] | undefined = state;
  const { jobs, more } = alsoEnded
    ? await newest(client, { state, ...filters }, limit)
    : await unfinished(client, filters).catch((error: unknown) => {
        if (options.json) throw error;
        asked = ACTIVE_STATES;
        return running(client, filters, terminal, error);
      });
  if (options.json) {
    terminal.json({ items: jobs, nextCursor: more });
    return 0;
  }
  if (jobs.length === 0) {
    const isFiltered = Object.values(filters).some((each) => each !== undefined);
    const such = isFiltered ? 'no such job' : 'no job';
    if (asked) terminal.note(`${such} is ${asked.join(' or ')}`);
    else if (alsoEnded) terminal.note(isFiltered ? 'there is no such job' : 'there are no jobs yet');
    else terminal.note(`${such} waits or runs; berth ls -a shows all`);
    return 0;
  }
  const now = Date.now();
  for (const line of renderTable(jobs, columnsOf(terminal, now), terminal.columns)) terminal.print(line);
  if (more) terminal.note(`there are more; -n ${jobs.length * 10} shows them`);
  return 0;
};

async function newest(client: BerthClient, filters: PageOptions, limit: number) {
  const jobs: Job[] = [];
  for await (const job of client.jobs.list({ ...filters, limit: limit + 1 })) jobs.push(job);
  const hasMore = jobs.length > limit;
  if (hasMore) jobs.pop();
  return { jobs, more: hasMore ? String(jobs.at(-1)?.number) : null };
}

/** While the ledger can't be asked, the daemon still knows what runs. @throws what it is handed, if that isn't why */
async function running(client: BerthClient, filters: Filters, terminal: Terminal, why: unknown) {
  if (!(why instanceof BerthProblem && why.code === 'ledger_unavailable')) throw why;
  const found = await unfinished(client, filters, ACTIVE_STATES);
  terminal.note(`berth: only what runs is shown: ${harmless(why.detail)}`);
  return found;
}

/** What runs, oldest first, then what waits, in its order. */
export async function unfinished(
  client: BerthClient,
  filters: Filters = {},
  states: readonly JobState[] = UNFINISHED,
) {
  const found = new Map<string, Job>();
  for (const state of states) {
    for await (const job of client.jobs.list({ ...filters, state })) found.set(job.id, job);
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
