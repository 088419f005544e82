import { setTimeout as sleep } from 'node:timers/promises';
import type { BerthClient } from '@berth/client';
import type { Job, JobSubmissionInput } from '@berth/contract';
import type { Command } from 'commander';
import { CliError, codeOfJob, EXIT } from '../exit-codes.js';
import { Detached, passLog, sayDetached, untilInterrupted } from '../follow.js';
import { endOf, stateWithReason } from '../job-words.js';
import { type Action, addVerb, type Kit, type Outcome } from '../kit.js';
import { matrixOf, refuseVerb, submissionOf } from '../submission.js';
import { explanationLines } from './explain.js';
import { collect, type JobFlags, scriptOf, withJobOptions } from './job-options.js';
import { positive } from './ls.js';

/** A submission is answered before the scheduler has looked at it; people want to hear what it said. */
const SCHEDULER_MILLISECONDS = 60;

interface SubmitOptions extends JobFlags {
  wait?: boolean;
  follow?: boolean;
  param?: string[];
  dryRun?: boolean;
  maxParallel?: number;
}

export function addSubmit(program: Command, kit: Kit, outcome: Outcome): void {
  const command = program
    .command('submit')
    .usage('[options] [--] <command...>')
    .argument('[command...]')
    .passThroughOptions()
    .description('submit a job');
  withJobOptions(command)
    .optionsGroup('Many at once:')
    .option(
      '--param <name=a,b,c>',
      'a job for every combination; {name} in the command is replaced; several times',
      collect,
    )
    .option('--max-parallel <n>', 'of these, at most so many run at a time', positive)
    .optionsGroup('What then:')
    .option('--dry-run', 'submit nothing; say what would become of it')
    .option('--wait', 'wait for its end, and exit as it did')
    .option('--follow', 'show its output as it comes, and exit as it did; Ctrl-C leaves it running')
    .addHelpText(
      'after',
      '\nExamples:\n  berth submit python train.py --lr 0.1\n  berth submit -G 2 -t 8h --follow -- torchrun --nproc-per-node 2 train.py',
    );
  addVerb(command, kit, outcome, submit);
}

const submit: Action<SubmitOptions> = async (kit, options, words) => {
  const { terminal, host } = kit;
  refuseVerb(words, kit.argv);
  if (options.follow && options.json) {
    throw new CliError(
      EXIT.usage,
      '--follow prints the output and --json the job; leave one out (--wait --json is fine)',
    );
  }
  const submission = submissionOf(options, words, await scriptOf(options, host), host);
  const { client } = kit;
  if (options.dryRun) {
    const explanation = await client.jobs.dryRun(submission);
    if (options.json) terminal.json(explanation);
    else for (const line of explanationLines(explanation, terminal)) terminal.print(line);
    return EXIT.ok;
  }
  if (options.maxParallel !== undefined && !options.param)
    throw new CliError(EXIT.usage, '--max-parallel is for many jobs at once: use it with --param');
  if (options.param) return submitSweep(kit, options, submission, matrixOf(options.param));
  const job = await client.jobs.submit(submission);

  if (options.json) {
    if (!options.wait) terminal.json(job);
  } else if (options.follow) {
    const state = terminal.isInteractive ? `: ${stateWithReason(await judged(client, job))}` : '';
    terminal.note(`job ${job.number} (${job.id}) submitted${state}`);
  } else if (terminal.isInteractive) {
    const { number } = job;
    terminal.print(`job ${number} (${job.id}) submitted: ${stateWithReason(await judged(client, job))}`);
    terminal.print(terminal.paint('dim', `  berth logs -f ${number}    berth cancel ${number}`));
  } else {
    terminal.print(job.id);
  }
  return options.wait || options.follow ? watch(kit, options, job) : EXIT.ok;
};

/** A job for every combination. Who watches many jobs watches their list. */
async function submitSweep(
  { client, terminal }: Kit & { client: BerthClient },
  { wait, follow, json, maxParallel }: SubmitOptions & { json?: boolean },
  template: JobSubmissionInput,
  matrix: Record<string, string[]>,
): Promise<number> {
  if (wait || follow)
    throw new CliError(
      EXIT.usage,
      '--param makes many jobs; leave --wait and --follow out, and see berth ls --group',
    );
  const group = await client.groups.submit({
    template,
    matrix,
    ...(maxParallel === undefined ? {} : { maxParallel }),
  });
  const { id, size, firstNumber } = group;
  if (json) terminal.json(group);
  else if (terminal.isInteractive) {
    terminal.print(`${size} jobs submitted, from job ${firstNumber} on, as group ${id}`);
    terminal.print(terminal.paint('dim', `  berth ls --group ${id}    berth cancel ${id}`));
  } else terminal.print(id);
  return EXIT.ok;
}

async function watch(
  kit: Kit & { client: BerthClient },
  { follow, json }: SubmitOptions & { json?: boolean },
  job: Job,
): Promise<number> {
  const { client, terminal } = kit;
  try {
    return await untilInterrupted(kit, async (signal) => {
      if (follow) await passLog(kit, job, { follow, signal });
      const ended = await client.jobs.wait(job, { signal });
      if (json) terminal.json(ended);
      else if (terminal.isInteractive || ended.state !== 'succeeded') terminal.note(endOf(ended));
      return codeOfJob(ended);
    });
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
