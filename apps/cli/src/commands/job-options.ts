import type { BerthClient } from '@berth/client';
import { Command, CommanderError, Option, type OptionValues } from 'commander';
import { CliError, EXIT } from '../exit-codes.js';
import { dependenciesOf } from '../job-reference.js';
import type { Kit } from '../kit.js';
import { collect, positive, whole } from '../option-values.js';
import { type Program, programOf } from '../program.js';
import type { SubmissionFlags } from '../submission.js';
import { harmless } from '../terminal.js';

/** The flags that make a job. */
export interface JobFlags extends SubmissionFlags {
  script?: string;
  wrap?: string;
  strict?: boolean;
}

/** The flags that make a job, for every verb that takes one. */
export function withJobOptions(command: Command): Command {
  return command
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
    .option('--limit-memory <size>', 'the most of the host\'s memory that it may take: "64GiB"')
    .option('--limit-cpus <n>', 'the most cores that it may use: "8", "0.5"', Number)
    .option('--limit-processes <n>', 'the most processes and threads that it may have', positive)
    .option('--priority <n>', 'higher goes first (default 0)', whole)
    .optionsGroup('When:')
    .option('--hold', 'not before somebody releases it')
    .option('-b, --begin <when>', 'not before: "8h" from now, or a time such as 2026-11-22T02:00:00Z')
    .option(
      '-a, --after <job[:how]>',
      'after this job ("41", "last", or a group) has succeeded; or "41:ended", "41:failed"; several times',
      collect,
    )
    .option('--after-wait', 'when such a job ends otherwise, wait for it to be requeued instead of failing')
    .option('--retries <n>', 'try again after a failure, on another device where there is one', whole)
    .option(
      '--retry-on <cause>',
      'only after this: out_of_memory, device_lost, signal …, or an exit code; several times',
      collect,
    )
    .option(
      '--hang <after[:action]>',
      'when it stands still for so long: "10m" (warn), "10m:kill", "ignore"; see docs/hangs.md',
    )
    .optionsGroup('What it is:')
    .option('-J, --name <name>', 'default: the name of the program')
    .option('-u, --user <name>', 'whose job it is, for fair share and limits (default: yours)')
    .option('--label <k=v>', 'may be given several times', collect)
    .option(
      '--script <file>',
      'a script instead of a command, as it is now; "-" reads it from stdin; its #BERTH and #SBATCH lines count as flags',
    )
    .option('--wrap <line>', 'a line of shell instead of a command')
    .option('--strict', "refuse a script whose header lines mean something that berth can't do")
    .option('-C, --chdir <dir>', 'where it runs (default: here)')
    .addOption(
      new Option(
        '--snapshot <how>',
        'run in a copy of the code as it is now: git (commit and changes recorded), or copy',
      ).choices(['git', 'copy']),
    )
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
    .option(
      '--notify <url>',
      'tell this address of its end, by POST (BERTH_NOTIFY_SECRET signs); several times',
      collect,
    )
    .option(
      '--notify-on <events>',
      'of these instead, with commas: started, ended, succeeded, failed, cancelled, preempted, requeued, hanging',
    )
    .optionsGroup('Saving its work:')
    .option('--preemptible', 'may be stopped, and continued later, to make room for higher priorities')
    .option(
      '--checkpoint-signal <signal>',
      'tells it to save its work: USR1 (the default), USR2, INT, HUP, TERM',
    )
    .option('--checkpoint-path <path>', 'the file or folder whose change shows that it has saved')
    .option('--warn <before[:signal]>', 'a signal so long before the time limit: "5m", "5m:USR2"');
}

/**
 * What is to run, and the flags that make a job of it: those that were typed, and those of the script's header lines behind
 * them. What header lines say that means nothing here is told.
 * @param define the flags that header lines may have
 * @throws CliError also for what means nothing, where `strict` is asked for
 */
export async function withHeaders<Flags extends JobFlags>(
  kit: Pick<Kit, 'host' | 'terminal'> & { client: BerthClient },
  flags: Flags,
  words: readonly string[],
  define: (command: Command) => Command,
): Promise<{ flags: Flags; program: Program }> {
  const { host, terminal } = kit;
  const program = await programOf(flags, words, host);
  const { lost } = program.headers;
  const whose = `${program.name ?? 'the script'}: its header lines`;
  for (const line of lost) terminal.note(harmless(line));
  if (flags.strict && lost.length > 0) {
    throw new CliError(
      EXIT.usage,
      'nothing was submitted: --strict wants every header line to mean something',
    );
  }
  const all = behind(flagsFrom<Flags>(program.headers.flags, define, whose), flags);
  if (all.after) all.after = await dependenciesOf(kit, all.after);
  return { flags: all, program };
}

/**
 * Reads flags as if they had been typed.
 * @param whose for what is said about them
 * @throws CliError
 */
export function flagsFrom<Flags>(
  argv: readonly string[],
  define: (command: Command) => Command,
  whose: string,
): Flags {
  const command = define(new Command()).exitOverride().allowExcessArguments(false);
  command.configureOutput({ writeErr: () => undefined, writeOut: () => undefined }).helpOption(false);
  try {
    return command.parse([...argv], { from: 'user' }).opts<Flags & OptionValues>();
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    const what = error.message.replace(/^error: /, '').replace(/\s*\n\s*/g, ' ');
    throw new CliError(EXIT.usage, `${whose}: ${what}`);
  }
}

/** What was typed comes before what a script says; lists of pairs are joined. */
function behind<Flags extends JobFlags>(header: Flags, typed: Flags): Flags {
  const lists = (['env', 'label', 'deviceLabel'] as const).flatMap((name) => {
    const both = [...(header[name] ?? []), ...(typed[name] ?? [])];
    return both.length > 0 ? [[name, both] as const] : [];
  });
  return { ...header, ...typed, ...Object.fromEntries(lists) };
}
