import { setTimeout as sleep } from 'node:timers/promises';
import type { BerthClient } from '@berth/client';
import type { Explanation, Group, Job, JobSubmissionInput } from '@berth/contract';
import { type Command, Option } from 'commander';
import { CliError, codeOfJob, EXIT } from '../exit-codes.js';
import { duration, localTime } from '../figures.js';
import { Detached, passLog, sayDetached, untilInterrupted } from '../follow.js';
import { endOf, stateWithReason } from '../job-words.js';
import { type Action, addVerb, type Kit, type Outcome } from '../kit.js';
import { collect, positive } from '../option-values.js';
import { ARRAY_PARAMETER, arrayEnvironment, jobArray } from '../slurm/array.js';
import { matrixOf, refuseVerb, submissionOf } from '../submission.js';
import { explanationLines } from './explain.js';
import { type JobFlags, withHeaders, withJobOptions } from './job-options.js';

/** A submission is answered before the scheduler has looked at it; people want to hear what it said. */
const SCHEDULER_MILLISECONDS = 60;

export interface SubmitOptions extends JobFlags {
  wait?: boolean;
  follow?: boolean;
  onInterrupt?: 'detach' | 'cancel';
  param?: string[];
  array?: string;
  dryRun?: boolean;
  maxParallel?: number;
}

type ClientKit = Kit & { client: BerthClient };

export function addSubmit(program: Command, kit: Kit, outcome: Outcome): void {
  const command = program
    .command('submit')
    .usage('[options] [--] <command...>')
    .argument('[command...]', 'a program and its arguments, or a script')
    .passThroughOptions()
    .description('submit a job');
  withSubmitOptions(command).addHelpText(
    'after',
    `
A script may say what it needs in lines "#BERTH -G 2 -t 8h" at its head; "#SBATCH" lines are read too, and what of
them means nothing here is told. What is typed comes before what a script says.

Examples:
  berth submit python train.py --lr 0.1
  berth submit -G 2 -t 8h --follow -- torchrun --nproc_per_node 2 train.py
  berth submit train.sh
  berth submit -J sweep --array 0-9%2 train.sh
  berth submit --param lr=0.1,0.01 --param seed=1,2,3 -- python train.py --lr {lr} --seed {seed}
  berth submit --wrap 'python prepare.py && python train.py'`,
  );
  addVerb(command, kit, outcome, submit);
}

export function withSubmitOptions(command: Command): Command {
  return withJobOptions(command)
    .optionsGroup('Many at once:')
    .option(
      '--param <name=a,b,c>',
      'a job for every combination; {name} in the command is replaced; several times',
      collect,
    )
    .option('--array <list>', 'a job for each number, as SLURM_ARRAY_TASK_ID: "0-9", "1,3,5", "0-99%4"')
    .option('--max-parallel <n>', 'of these, at most so many run at a time', positive)
    .optionsGroup('What then:')
    .option('--dry-run', 'submit nothing; say what would become of it')
    .option('--wait', 'wait for its end, and exit as it did')
    .option('--follow', 'show its output as it comes, and exit as it did')
    .addOption(
      new Option(
        '--on-interrupt <what>',
        'what Ctrl-C means with --wait and --follow (default detach)',
      ).choices(['detach', 'cancel']),
    );
}

const submit: Action<SubmitOptions> = async (kit, typed, words) => {
  const { terminal, host } = kit;
  refuseVerb(words, kit.argv);
  const { flags: options, program } = await withHeaders(kit, typed, words, withSubmitOptions);
  if (options.follow && options.json) {
    throw new CliError(
      EXIT.usage,
      '--follow prints the output and --json the job; leave one out (--wait --json is fine)',
    );
  }
  if (terminal.isInteractive && /^\d+$/.test(typed.time ?? '')) {
    terminal.note(
      `berth: -t ${typed.time} is ${duration(Number(typed.time))} here, and would be minutes for sbatch`,
    );
  }
  const submission = submissionOf(options, program, host);
  const { client } = kit;
  if (options.dryRun) {
    const explanation = await client.jobs.dryRun(submission);
    if (options.json) terminal.json(explanation);
    else for (const line of explanationLines(explanation, terminal)) terminal.print(line);
    return EXIT.ok;
  }
  if (options.param || options.array !== undefined) return submitMany(kit, options, submission);
  if (options.maxParallel !== undefined)
    throw new CliError(EXIT.usage, '--max-parallel is for many jobs at once: use it with --param or --array');
  const job = await client.jobs.submit(submission);
  if (!options.json) await sayWhatHappens(kit, options, job);
  else if (!options.wait) terminal.json(job);
  return options.wait || options.follow ? watch(kit, options, job) : EXIT.ok;
};

/** To a program the bare id; to people what becomes of the job, and what they may want next. */
async function sayWhatHappens(
  { terminal, client }: ClientKit,
  { follow }: SubmitOptions,
  job: Job,
): Promise<void> {
  const { number, id } = job;
  if (!terminal.isInteractive) {
    if (follow) terminal.note(`job ${number} (${id}) submitted`);
    else terminal.print(id);
    return;
  }
  const line = `job ${number} (${id}) submitted: ${await prospectsOf(client, job)}`;
  if (follow) return terminal.note(line);
  terminal.print(line);
  terminal.print(terminal.paint('dim', `  berth logs -f ${number}    berth cancel ${number}`));
}

/** `"pending, place 3 in the queue, starts by 14:05 at the latest: needs 2 free devices, 1 is free"`. */
async function prospectsOf(client: BerthClient, submitted: Job): Promise<string> {
  const job = await judged(client, submitted);
  if (job.state !== 'pending') return stateWithReason(job);
  const explanation = await client.jobs.explain(job).catch(() => null);
  const when = explanation && startOf(explanation);
  const place = job.position === null ? '' : `, place ${job.position} in the queue`;
  const state = `pending${place}${when ? `, ${when}` : ''}`;
  return job.reason ? stateWithReason(job).replace(/^pending/, state) : state;
}

/** null: nothing is promised. */
function startOf({ startsNow, latestStart, ahead }: Explanation): string | null {
  if (startsNow) return 'about to start';
  if (latestStart === null) return null;
  const time = localTime(latestStart).replace(localTime(new Date().toISOString()).slice(0, 11), '');
  return ahead === 0 ? `starts by ${time} at the latest` : `starts by ${time} as it looks now`;
}

/** A job for every combination, or for every number. Who watches many jobs watches their list. */
async function submitMany(
  { client, terminal }: ClientKit,
  { wait, follow, json, ...options }: SubmitOptions & { json?: boolean },
  template: JobSubmissionInput,
): Promise<number> {
  if (wait || follow)
    throw new CliError(
      EXIT.usage,
      'these are many jobs; leave --wait and --follow out, and see berth ls --group',
    );
  const group = await submitGroup(client, options, template);
  const { id, size, firstNumber } = group;
  if (json) terminal.json(group);
  else if (terminal.isInteractive) {
    terminal.print(`${size} jobs submitted, from job ${firstNumber} on, as group ${id}`);
    terminal.print(terminal.paint('dim', `  berth ls --group ${id}    berth cancel ${id}`));
  } else terminal.print(id);
  return EXIT.ok;
}

/** Submits the jobs that `--param` and `--array` make of one. */
export function submitGroup(
  client: BerthClient,
  { param, array, maxParallel }: Pick<SubmitOptions, 'param' | 'array' | 'maxParallel'>,
  template: JobSubmissionInput,
): Promise<Group> {
  const tasks = array === undefined ? null : jobArray(array);
  const most = maxParallel ?? tasks?.maxParallel;
  return client.groups.submit({
    template: tasks
      ? { ...template, environment: { ...template.environment, ...arrayEnvironment(tasks) } }
      : template,
    matrix: { ...matrixOf(param ?? []), ...(tasks ? { [ARRAY_PARAMETER]: tasks.tasks } : {}) },
    ...(most === undefined ? {} : { maxParallel: most }),
  });
}

async function watch(
  kit: ClientKit,
  { follow, json, onInterrupt }: SubmitOptions & { json?: boolean },
  job: Job,
): Promise<number> {
  const { client, terminal } = kit;
  const cancel = (): void => {
    terminal.note(`\nberth: cancelling job ${job.number}; Ctrl-C again leaves it`);
    // What keeps it from being cancelled, such as that it has just ended, shows in how it ends.
    client.jobs.cancel(job).catch(() => undefined);
  };
  try {
    return await untilInterrupted(
      kit,
      async (signal) => {
        if (follow) await passLog(kit, job, { follow, signal });
        const ended = await client.jobs.wait(job, { signal });
        if (json) terminal.json(ended);
        else if (terminal.isInteractive || ended.state !== 'succeeded') terminal.note(endOf(ended));
        return codeOfJob(ended);
      },
      onInterrupt === 'cancel' ? cancel : undefined,
    );
  } catch (error) {
    if (!(error instanceof Detached)) throw error;
    sayDetached(kit, [job.number]);
    return EXIT.detached;
  }
}

/** The job once the scheduler has said something of it, if it soon does. */
async function judged(client: BerthClient, job: Job): Promise<Job> {
  if (job.state !== 'pending' || job.reason) return job;
  await sleep(SCHEDULER_MILLISECONDS);
  return client.jobs.get(job).catch(() => job);
}
