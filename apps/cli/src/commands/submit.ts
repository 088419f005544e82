import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { BerthClient } from '@berth/client';
import type { Job, JobSubmissionInput } from '@berth/contract';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { CliError, codeOfJob, EXIT } from '../exit-codes.js';
import { Detached, passLog, sayDetached, untilInterrupted } from '../follow.js';
import type { Host } from '../host.js';
import { endOf, stateWithReason } from '../job-words.js';
import { type Action, addVerb, type Kit, type Outcome } from '../kit.js';
import { matrixOf, refuseVerb, type SubmissionFlags, submissionOf } from '../submission.js';
import { explanationLines } from './explain.js';
import { positive } from './ls.js';

/** A submission is answered before the scheduler has looked at it; people want to hear what it said. */
const SCHEDULER_MILLISECONDS = 60;

interface SubmitOptions extends SubmissionFlags {
  script?: string;
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
    .description('submit a job')
    .optionsGroup('What it needs:')
    .option('-G, --gpus <n>', 'how many devices (default: as many as --devices names, or 1)', positive)
    .option('-D, --devices <mask>', 'on these only, in this order: "1", "0,1", "GPU-3f1c…"')
    .option(
      '-t, --time <limit>',
      'stop it after this long: "2h", "1h30m", "1-12:00:00"; a bare number is seconds',
    )
    .option('--model <text>', 'on devices whose name has this in it: "H100"')
    .option('--min-memory <size>', 'on devices with so much memory in all: "40GiB"')
    .option('--min-capability <x.y>', 'on devices of this compute capability or more: "8.0"')
    .option('--device-label <k=v>', 'on devices that are labelled so; several times', collect)
    .option(
      '--share-memory <size>',
      'beside others on one device, with so much of its memory: "10GiB", or "auto"',
    )
    .option('--slots <n>', 'beside others on one device that is divided into so many slots', positive)
    .option('--priority <n>', 'higher goes first (default 0)', whole)
    .optionsGroup('When:')
    .option('--hold', 'not before somebody releases it')
    .option('-b, --begin <when>', 'not before: "8h" from now, or a time such as 2026-11-22T02:00:00Z')
    .option(
      '-a, --after <job[:how]>',
      'after this job has succeeded; or "41:ended", "41:failed"; several times',
      collect,
    )
    .option('--after-wait', 'when such a job ends otherwise, wait for it to be requeued instead of failing')
    .option('--retries <n>', 'try again after a failure, on another device where there is one', whole)
    .option(
      '--retry-on <cause>',
      'only after this: out_of_memory, device_lost, signal …, or an exit code; several times',
      collect,
    )
    .optionsGroup('What it is:')
    .option('-J, --name <name>', 'default: the name of the program')
    .option('-u, --user <name>', 'whose job it is, for fair share and limits (default: yours)')
    .option('--label <k=v>', 'may be given several times', collect)
    .option('--script <file>', 'a script instead of a command; "-" reads it from stdin')
    .option('-C, --chdir <dir>', 'where it runs (default: here)')
    .option('-e, --env <k=v>', 'a variable for it, or the name of one of yours; several times', collect)
    .option(
      '--export-none',
      "don't pass on PATH, PYTHONPATH, LD_LIBRARY_PATH, VIRTUAL_ENV, CONDA_PREFIX and CONDA_DEFAULT_ENV",
    )
    .addOption(
      new Option(
        '--launch <how>',
        'one process for all devices, or one per device with RANK, WORLD_SIZE …',
      ).choices(['single', 'perDevice']),
    )
    .option('--grace <duration>', 'between SIGTERM and SIGKILL when it is stopped')
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
  const script = options.script === undefined ? undefined : await readScript(options.script, host);
  const submission = submissionOf(options, words, script, host);
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

async function readScript(file: string, { stdin, directory }: Host): Promise<string> {
  if (file !== '-') {
    return readFile(resolve(directory, file), 'utf8').catch((error: Error) => {
      throw new CliError(EXIT.usage, `--script: ${error.message}`);
    });
  }
  const pieces: Buffer[] = [];
  for await (const piece of stdin) pieces.push(Buffer.from(piece));
  return Buffer.concat(pieces).toString('utf8');
}

export function collect(value: string, before: string[] = []): string[] {
  return [...before, value];
}

export function whole(text: string): number {
  if (!/^-?\d{1,9}$/.test(text)) throw new InvalidArgumentError('It must be a whole number.');
  return Number(text);
}
