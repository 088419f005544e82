import { resolve } from 'node:path';
import type {
  CheckpointSignal,
  HangPolicy,
  JobSubmissionInput,
  Launch,
  NotifyEvent,
  SnapshotMode,
} from '@berth/contract';
import { CliError, EXIT } from './exit-codes.js';
import type { Host } from './host.js';
import type { Program } from './program.js';

/** What makes `python` in the job the same program as in the shell that submits it. */
const PASSED_ON = [
  'PATH',
  'VIRTUAL_ENV',
  'CONDA_PREFIX',
  'CONDA_DEFAULT_ENV',
  'PYTHONPATH',
  'LD_LIBRARY_PATH',
];

const VERBS = new Set(
  (
    'submit run ls ps list show logs log cancel rm kill hold release requeue drill update retry wait explain why devices top ' +
    'drain resume shutdown usage token doctor demo schedule status queue help info ' +
    'export import dashboard alias completion sbatch squeue scancel sinfo srun sacct salloc scontrol'
  ).split(' '),
);

type DependencyInput = NonNullable<JobSubmissionInput['after']>[number];

/** The flags of `berth submit` that make a job. */
export interface SubmissionFlags {
  gpus?: number;
  devices?: string;
  name?: string;
  time?: string;
  chdir?: string;
  snapshot?: SnapshotMode;
  env?: string[];
  exportNone?: boolean;
  priority?: number;
  launch?: Launch;
  grace?: string;
  preemptible?: boolean;
  checkpointSignal?: string;
  checkpointPath?: string;
  warn?: string;
  hang?: string;
  limitMemory?: string;
  limitCpus?: number;
  limitProcesses?: number;
  label?: string[];
  model?: string;
  minMemory?: string;
  minCapability?: string;
  deviceLabel?: string[];
  shareMemory?: string;
  slots?: number;
  user?: string;
  hold?: boolean;
  begin?: string;
  after?: string[];
  afterWait?: boolean;
  retries?: number;
  retryOn?: string[];
  notify?: string[];
  notifyOn?: string;
}

/**
 * The job that flags and a program make. What may be wrong in it the daemon knows best: only what can't be said
 * to the daemon is refused here.
 * @throws CliError
 */
export function submissionOf(
  flags: SubmissionFlags,
  { words, script, name }: Pick<Program, 'words' | 'script' | 'name'>,
  { environment, directory }: Pick<Host, 'environment' | 'directory'>,
): JobSubmissionInput {
  if (script === undefined && words.length === 0) {
    throw new CliError(EXIT.usage, 'nothing to run; write for example: berth submit -- python train.py');
  }
  const passedOn = flags.exportNone ? [] : PASSED_ON.filter((name) => environment[name]);
  return {
    ...(script === undefined ? { command: [...words] } : { script }),
    workingDirectory: resolve(directory, flags.chdir ?? '.'),
    environment: {
      ...Object.fromEntries(passedOn.map((name) => [name, environment[name] as string])),
      ...variables(flags.env ?? [], environment),
    },
    ...given({
      name: flags.name ?? name,
      gpus: flags.gpus,
      devices: flags.devices,
      snapshot: flags.snapshot,
      launch: flags.launch,
      priority: flags.priority,
      timeLimit: flags.time,
      gracePeriod: flags.grace,
      preemptible: flags.preemptible,
      checkpointSignal:
        flags.checkpointSignal === undefined ? undefined : signalNamed(flags.checkpointSignal),
      checkpointPath: flags.checkpointPath,
      timeLimitWarning: flags.warn === undefined ? undefined : warning(flags.warn),
      limits: limitsOf(flags),
      hang: flags.hang === undefined ? undefined : hangOf(flags.hang),
      labels: flags.label && labels(flags.label),
      constraints: constraintsOf(flags),
      sharing: sharingOf(flags),
      user: flags.user,
      hold: flags.hold,
      startAfter: flags.begin,
      after: flags.after?.map(dependency),
      onDependencyFailure: flags.afterWait ? 'wait' : undefined,
      notify: notifyOf(flags, environment),
      retry: flags.retries === undefined ? undefined : retryOf(flags.retries, flags.retryOn),
    }),
  };
}

/**
 * Refuses a verb that slipped behind `submit`: `berth submit list` would wait for a GPU to run a program called list.
 * @param argv as it was typed; behind `--` everything is a command
 * @throws CliError
 */
export function refuseVerb(words: readonly string[], argv: readonly string[]): void {
  const [word = ''] = words;
  if (words.length !== 1 || !VERBS.has(word) || argv.includes('--')) return;
  throw new CliError(
    EXIT.usage,
    `'${word}' alone looks like a verb, not a job; see berth --help, or write: berth submit -- ${word}`,
  );
}

function variables(pairs: readonly string[], environment: Host['environment']): Record<string, string> {
  return Object.fromEntries(
    pairs.map((pair) => {
      const at = pair.indexOf('=');
      if (at > 0) return [pair.slice(0, at), pair.slice(at + 1)];
      const value = environment[pair];
      if (at === 0 || value === undefined) {
        throw new CliError(
          EXIT.usage,
          `--env ${pair}: write NAME=VALUE, or the NAME of a variable that is set`,
        );
      }
      return [pair, value];
    }),
  );
}

function constraintsOf({
  model,
  minMemory,
  minCapability,
  deviceLabel,
}: SubmissionFlags): JobSubmissionInput['constraints'] {
  const constraints = given({
    model,
    minMemory,
    minComputeCapability: minCapability,
    labels: deviceLabel && labels(deviceLabel, '--device-label'),
  });
  return Object.keys(constraints).length > 0 ? constraints : undefined;
}

function sharingOf({ shareMemory, slots }: SubmissionFlags): JobSubmissionInput['sharing'] {
  if (shareMemory === undefined && slots === undefined) return undefined;
  return given({ memory: shareMemory, slots });
}

function limitsOf({ limitMemory, limitCpus, limitProcesses }: SubmissionFlags): JobSubmissionInput['limits'] {
  const limits = given({ memory: limitMemory, cpus: limitCpus, processes: limitProcesses });
  return Object.keys(limits).length > 0 ? limits : undefined;
}

/** `lr=0.1,0.01` and `seed=1,2`: the values of each parameter. */
export function matrixOf(pairs: readonly string[]): Record<string, string[]> {
  return Object.fromEntries(
    pairs.map((pair) => {
      const at = pair.indexOf('=');
      if (at <= 0) throw new CliError(EXIT.usage, `--param ${pair}: write NAME=VALUE,VALUE,…`);
      return [pair.slice(0, at), pair.slice(at + 1).split(',')];
    }),
  );
}

/** `USR1` as people say it, or `SIGUSR1`. */
function signalNamed(text: string): CheckpointSignal {
  const name = text.toUpperCase();
  return (name.startsWith('SIG') ? name : `SIG${name}`) as CheckpointSignal;
}

/** `5m`, or `5m:USR2`. */
function warning(text: string): NonNullable<JobSubmissionInput['timeLimitWarning']> {
  const [before = '', signal] = text.split(':', 2);
  return { before, ...(signal === undefined ? {} : { signal: signalNamed(signal) }) };
}

/** `10m`, `10m:kill`, or an action alone. */
function hangOf(text: string): NonNullable<JobSubmissionInput['hang']> {
  const [first = '', second] = text.split(':', 2);
  const [after, action] = /^\d/.test(first) ? [first, second] : [undefined, first];
  return given({ after, action: action as HangPolicy['action'] | undefined });
}

/** `41`, or `41:ended`. */
function dependency(text: string): DependencyInput {
  const [job = '', on] = text.split(':', 2);
  return on === undefined ? job : ({ job, on } as DependencyInput);
}

/** The secret comes from the environment: other users of the host can see arguments. */
function notifyOf(
  { notify, notifyOn }: SubmissionFlags,
  { BERTH_NOTIFY_SECRET: secret }: Host['environment'],
): JobSubmissionInput['notify'] {
  if (!notify) {
    if (notifyOn === undefined) return undefined;
    throw new CliError(EXIT.usage, '--notify-on says of what; say whom by --notify URL');
  }
  const events = notifyOn?.split(',') as NotifyEvent[] | undefined;
  return notify.map((url) => ({ url, ...(events ? { events } : {}), ...(secret ? { secret } : {}) }));
}

/** Causes and exit codes in one list, as people say them: `out_of_memory`, `75`. */
function retryOf(limit: number, on: readonly string[] = []): NonNullable<JobSubmissionInput['retry']> {
  const exitCodes = on.filter((each) => /^\d+$/.test(each)).map(Number);
  const causes = on.filter((each) => !/^\d+$/.test(each));
  if (exitCodes.length > 0) causes.push('exit_code');
  return {
    limit,
    ...(causes.length > 0 ? { on: causes as NonNullable<JobSubmissionInput['retry']>['on'] } : {}),
    ...(exitCodes.length > 0 ? { exitCodes } : {}),
  };
}

export function labels(pairs: readonly string[], flag = '--label'): Record<string, string> {
  return Object.fromEntries(
    pairs.map((pair) => {
      const at = pair.indexOf('=');
      if (at <= 0) throw new CliError(EXIT.usage, `${flag} ${pair}: write NAME=VALUE`);
      return [pair.slice(0, at), pair.slice(at + 1)];
    }),
  );
}

/** Without what wasn't said: the daemon has the defaults. */
function given<T extends object>(fields: T): { [K in keyof T]?: NonNullable<T[K]> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: NonNullable<T[K]>;
  };
}
