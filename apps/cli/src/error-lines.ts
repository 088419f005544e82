import { BerthProblem, BerthTimeout } from '@berth/client';
import { CommanderError } from 'commander';
import { CliError } from './exit-codes.js';
import { harmless } from './terminal.js';

/** Where a field of a submission comes from on our command line. */
const FLAG_OF_FIELD: Record<string, string> = {
  command: 'the command',
  script: '--script',
  name: '--name',
  labels: '--label',
  workingDirectory: '--chdir',
  environment: '--env',
  gpus: '--gpus',
  devices: '--devices',
  launch: '--launch',
  priority: '--priority',
  timeLimit: '--time',
  gracePeriod: '--grace',
  preemptible: '--preemptible',
  checkpointSignal: '--checkpoint-signal',
  checkpointPath: '--checkpoint-path',
  timeLimitWarning: '--warn',
  hang: '--hang',
  limits: '--limit-memory, --limit-cpus, --limit-processes',
  notify: '--notify, --notify-on',
  snapshot: '--snapshot',
  constraints: '--model, --min-memory, --min-capability, --device-label',
  sharing: '--share-memory, --slots',
  user: '--user',
  maxParallel: '--max-parallel',
  matrix: '--param, --array',
  hold: '--hold',
  startAfter: '--begin',
  after: '--after',
  retry: '--retries, --retry-on',
  cron: '--cron',
  timeZone: '--time-zone',
};

/** Flags that hands know from Slurm and task-spooler, and what to do instead. */
const INSTEAD: Record<string, string> = {
  '--gres': 'for --gres=gpu:2 write -G 2',
  '--gpus-per-node': 'write -G 2',
  '--gpus-per-task': 'write -G 2 --launch perDevice for one process per GPU',
  '--ntasks': 'write -G 2 --launch perDevice for one process per GPU',
  '-n': 'write -G 2 --launch perDevice for one process per GPU',
  '-g': 'write -D 0,1 for devices by index',
  '--job-name': 'write -J or --name',
  '--parsable': 'leave it out: on a pipe submit prints the bare id',
  '-W': 'write --wait',
  '-L': 'write -J for a name, --label k=v for labels',
  '--output': 'leave it out: berth keeps the output, see berth logs',
  '-o': 'leave it out: berth keeps the output, see berth logs',
  '--error': 'leave it out: berth keeps the output, see berth logs --stream stderr',
  '--export': 'write -e K=V, or --export-none',
  '-d': 'for -d afterok:41 write -a 41; afterany is -a 41:ended, afternotok is -a 41:failed',
  '--dependency': 'for afterok:41 write -a 41; afterany is -a 41:ended, afternotok is -a 41:failed',
  '-H': 'write --hold',
  '--requeue': 'write --retries 3',
  '--signal': 'for --signal=USR2@300 write --warn 5m:USR2; see also --preemptible',
  '--partition': 'leave it out: there is one queue',
  '-p': 'leave it out: there is one queue',
  '--account': 'leave it out: there are no accounts yet',
  '-A': 'leave it out: there are no accounts yet',
  '--mem': 'host memory is not booked here; write --limit-memory 64GiB for an upper limit',
  '--cpus-per-task': 'cores are not booked here; write --limit-cpus 8 for an upper limit',
  '-c': 'cores are not booked here; write --limit-cpus 8 for an upper limit',
  '--nodes': 'leave it out: there is one host',
  '-N': 'leave it out: there is one host',
  '--exclusive': 'leave it out: a job has its GPUs to itself anyway',
  '--mail-type': 'berth sends no mail; write --notify URL, or let a script wait: berth wait',
  '--mail-user': 'berth sends no mail; write --notify URL, or let a script wait: berth wait',
};

/** What berth says of an error on stderr, each line by itself. */
export function errorLines(error: unknown, verb: string | null): string[] {
  if (error instanceof CommanderError) return usageLines(error, verb);
  if (error instanceof BerthProblem) return problemLines(error);
  if (error instanceof BerthTimeout)
    return [
      `berth: ${harmless(error.message)}: is berthd stopped (kill -CONT lets it go on), or the host overloaded? Running jobs go on`,
    ];
  if (error instanceof Error && (error instanceof CliError || error.name.startsWith('Berth'))) {
    return [`berth: ${harmless(error.message)}`];
  }
  return [
    `berth: this is a mistake in berth: ${error instanceof Error ? (error.stack ?? error.message) : error}`,
  ];
}

function usageLines({ code, message }: CommanderError, verb: string | null): string[] {
  if (code === 'commander.help')
    return [`berth: ${verb ?? 'this'} wants another verb behind it; see berth ${verb} --help`];
  const said = message
    .replace(/^error: /, '')
    .replace(/\s*\n\s*/g, ' ')
    .replace(/\.$/, '');
  const flag = code === 'commander.unknownOption' ? /'([^'=]+)/.exec(said)?.[1] : undefined;
  const instead = flag && (verb === 'submit' || verb === 'schedule') ? INSTEAD[flag] : undefined;
  if (instead) return [`berth: ${verb} has no ${flag}; ${instead}`];
  return [`berth: ${harmless(said)}; see berth ${verb ? `${verb} ` : ''}--help`];
}

function problemLines({ code, detail, errors, instance }: BerthProblem): string[] {
  if (errors.length > 0) {
    const lines = errors.map((each) => `  ${nameOf(each.pointer)}: ${harmless(each.detail)}`);
    return ['berth: the daemon refused this:', ...lines];
  }
  const more =
    code === 'unauthorized'
      ? '; berth takes it from --token, BERTH_TOKEN or the data directory (--data-dir)'
      : code === 'internal_error' && instance
        ? ` (${instance})`
        : '';
  return [`berth: ${harmless(detail)}${more}`];
}

function nameOf(pointer: string): string {
  const field = /^#\/(?:job\/)?(\w+)/.exec(pointer)?.[1];
  const flag = field && FLAG_OF_FIELD[field];
  return harmless(flag ? `${pointer} (${flag})` : pointer);
}
