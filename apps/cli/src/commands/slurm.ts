import type { BerthClient } from '@berth/client';
import type { Job } from '@berth/contract';
import { ranSeconds } from '@berth/contract/job-time';
import type { Command } from 'commander';
import { CliError, codeOfError, codeOfJob, EXIT } from '../exit-codes.js';
import { arrayOf, spread } from '../job-reference.js';
import { type Action, addVerb, type Kit, type Outcome } from '../kit.js';
import { readSbatch } from '../slurm/sbatch-options.js';
import { nodeOrReason, nodeState, PARTITION, slurmState, slurmTime, statesAsked } from '../slurm/words.js';
import { submissionOf } from '../submission.js';
import { cut } from '../table.js';
import { harmless } from '../terminal.js';
import { flagsFrom, withHeaders } from './job-options.js';
import { unfinished } from './ls.js';
import { type SubmitOptions, submitGroup, withSubmitOptions } from './submit.js';

/** The names that `berth alias install` gives to these. */
export const SLURM_NAMES = ['sbatch', 'squeue', 'scancel', 'sinfo'] as const;

/** `berth slurm sbatch …`: what the aliases call. They print what those print in shape; the rest of Berth doesn't know them. */
export function addSlurm(program: Command, kit: Kit, outcome: Outcome): void {
  const group = program
    .command('slurm', { hidden: true })
    .description("berth by the names of Slurm's commands");
  addVerb(
    group
      .command('sbatch')
      .usage('[options] [script [arguments...]]')
      .argument('[words...]')
      .description('submit a script, or what stdin says; prints "Submitted batch job 42"')
      .allowUnknownOption()
      .passThroughOptions()
      .helpOption('--help'),
    kit,
    outcome,
    sbatch,
  );
  addVerb(
    group
      .command('squeue')
      .description('list jobs')
      .helpOption('--help')
      .option('-u, --user <names>', 'only of these users')
      .option('--me', 'only mine')
      .option('-j, --jobs <numbers>', 'only these')
      .option('-n, --name <names>', 'only of these names')
      .option('-t, --states <states>', 'only in these: PD, R, CG …; "all": also those that have ended')
      .option('-h, --noheader', 'no titles')
      .option('-l, --long', 'as without it'),
    kit,
    outcome,
    squeue,
  );
  addVerb(
    group
      .command('scancel')
      .argument('[jobs...]', 'numbers')
      .description('cancel jobs')
      .option('-u, --user <name>', 'those of this user')
      .option('--me', 'mine')
      .option('-n, --name <name>', 'those of this name')
      .option('-t, --state <state>', 'those in this state: PD, R'),
    kit,
    outcome,
    scancel,
  );
  addVerb(
    group
      .command('sinfo')
      .description('the host, and how much of it is held')
      .helpOption('--help')
      .option('-h, --noheader', 'no titles')
      .option('-N, --Node', 'as without it')
      .option('-l, --long', 'as without it'),
    kit,
    outcome,
    sinfo,
  );
}

const sbatch: Action<object> = async (kit, _options, argv) => {
  const { terminal, client, host } = kit;
  const { options: asked, rest } = readSbatch(argv);
  const unknown = asked.find(({ isKnown }) => !isKnown);
  if (unknown) throw new CliError(EXIT.usage, `sbatch: unrecognized option '${unknown.name}'`);
  for (const { name, lost } of asked) {
    if (lost) terminal.note(harmless(`sbatch: ${name} means nothing here: ${lost}`));
  }
  const typed = flagsFrom<SubmitOptions>(
    asked.flatMap(({ flags }) => flags),
    withSubmitOptions,
    'sbatch',
  );
  const isWrap = typed.wrap !== undefined;
  const [script] = rest;
  const named = isWrap || rest.length > 1 ? {} : { script: script ?? '-' };
  const words = 'script' in named ? [] : rest;
  const { flags, program } = await withHeaders(kit, { ...typed, ...named }, words, withSubmitOptions);
  if (program.script !== undefined && !program.script.startsWith('#!')) {
    const what = 'sbatch: error: This does not look like a batch script';
    throw new CliError(
      EXIT.usage,
      `${what}: its first line has to be #! and an interpreter, such as #!/bin/bash`,
    );
  }
  const submission = submissionOf(flags, program, host);
  if (flags.dryRun) {
    const { startsNow, latestStart } = await client.jobs.dryRun(submission);
    const when = startsNow ? 'now' : (latestStart ?? 'at a time that is not known');
    terminal.note(`sbatch: Job would start ${when}`);
    return EXIT.ok;
  }
  const many = flags.array !== undefined || flags.param !== undefined;
  const job = many ? null : await client.jobs.submit(submission);
  const number = job?.number ?? (await submitGroup(client, flags, submission)).firstNumber;
  const isParsable = asked.some(({ name }) => name === '--parsable');
  terminal.print(isParsable ? String(number) : `Submitted batch job ${number}`);
  return job && flags.wait ? codeOfJob(await client.jobs.wait(job)) : EXIT.ok;
};

interface SqueueOptions {
  user?: string;
  me?: boolean;
  jobs?: string;
  name?: string;
  states?: string;
  noheader?: boolean;
}

const squeue: Action<SqueueOptions> = async (kit, options) => {
  const { terminal, client } = kit;
  const jobs = await chosen(client, options, await candidates(client, options));
  // squeue's own widths: "%.18i %.9P %.8j %.8u %.2t %.10M %.6D %R".
  const line = (cells: readonly string[]): string =>
    [18, 9, 8, 8, 2, 10, 6]
      .map((width, i) => (cells[i] ?? '').slice(0, width).padStart(width))
      .concat(cells[7] ?? '')
      .join(' ');
  if (!options.noheader) {
    terminal.print(line(['JOBID', 'PARTITION', 'NAME', 'USER', 'ST', 'TIME', 'NODES', 'NODELIST(REASON)']));
  }
  const now = Date.now();
  for (const job of jobs) {
    const cells = [
      job.number,
      PARTITION,
      job.name,
      job.user,
      slurmState(job),
      slurmTime(ranSeconds(job, now) ?? 0),
      1,
      nodeOrReason(job),
    ];
    terminal.print(cut(harmless(line(cells.map(String))), terminal.columns));
  }
  return EXIT.ok;
};

async function candidates(client: BerthClient, options: SqueueOptions): Promise<Job[]> {
  const { jobs, states } = options;
  if (jobs !== undefined) return Promise.all(jobs.split(',').map((each) => client.jobs.get(each.trim())));
  const [user, ...others] = (await usersAsked(client, options)) ?? [];
  const filters = others.length > 0 ? {} : { user };
  if (states === undefined) return (await unfinished(client, filters)).jobs;
  const found: Job[] = [];
  for await (const job of client.jobs.list({ ...filters, limit: 1000 })) found.push(job);
  return found;
}

async function usersAsked(
  client: BerthClient,
  { user, me }: Pick<SqueueOptions, 'user' | 'me'>,
): Promise<string[] | undefined> {
  return me ? [(await client.me()).name] : user?.split(',');
}

async function chosen(
  client: BerthClient,
  { user, me, name, states }: Pick<SqueueOptions, 'user' | 'me' | 'name' | 'states'>,
  jobs: readonly Job[],
): Promise<readonly Job[]> {
  const users = await usersAsked(client, given({ user, me }));
  const names = name?.split(',');
  const asked = statesAsked(states);
  return jobs.filter(
    (job) =>
      (!users || users.includes(job.user)) &&
      (!names || names.includes(job.name)) &&
      (!asked || asked.has(slurmState(job))),
  );
}

interface ScancelOptions {
  user?: string;
  me?: boolean;
  name?: string;
  state?: string;
}

const scancel: Action<ScancelOptions> = async (kit, { user, me, name, state }, words) => {
  const { client, terminal } = kit;
  const isChoice = [user, me, name, state].some((each) => each !== undefined);
  if (words.length === 0 && !isChoice)
    throw new CliError(EXIT.usage, 'scancel: no job identification provided');
  const odd = words.find((word) => !/^\d+(-\d+)?$/.test(word));
  if (odd !== undefined) throw new CliError(EXIT.usage, `scancel: '${odd}' is no number of a job`);
  const named = spread(words);
  const found = isChoice
    ? (await chosen(client, { ...given({ user, me, name, states: state }) }, (await unfinished(client)).jobs))
        .map(({ number }) => String(number))
        .filter((number) => named.length === 0 || named.includes(number))
    : named;
  let code: number = EXIT.ok;
  for (const number of found) {
    await (isChoice ? client.jobs.cancel(number) : cancelNamed(client, number)).catch((error: Error) => {
      terminal.note(harmless(`scancel: error: Kill job error on job id ${number}: ${error.message}`));
      code ||= codeOfError(error);
    });
  }
  return code;
};

/** By the number that sbatch has printed for an array all of it is meant, as in Slurm; by another number that task alone. */
async function cancelNamed(client: BerthClient, number: string): Promise<unknown> {
  const array = await arrayOf(client, number);
  return array === null ? client.jobs.cancel(number) : client.groups.cancel(array);
}

function given<T extends object>(fields: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };
}

const sinfo: Action<{ noheader?: boolean }> = async ({ client, terminal }, { noheader }) => {
  const { items } = await client.devices.list();
  const line = (cells: readonly string[]): string =>
    [9, 5, 10, 6, 6]
      .map((width, i) => (i === 0 ? (cells[i] ?? '').padEnd(width) : (cells[i] ?? '').padStart(width)))
      .concat(cells[5] ?? '')
      .join(' ');
  if (!noheader) terminal.print(line(['PARTITION', 'AVAIL', 'TIMELIMIT', 'NODES', 'STATE', 'NODELIST']));
  const nodes = [...new Set(items.map(({ node }) => node))];
  for (const node of nodes) {
    const state = nodeState(items.filter((device) => device.node === node));
    terminal.print(harmless(line([`${PARTITION}*`, 'up', 'infinite', '1', state, node])));
  }
  return EXIT.ok;
};
