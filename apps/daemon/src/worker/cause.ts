import { userInfo } from 'node:os';
import type { Cause, Diagnosis } from '@berth/contract';
import { formatBytes, formatDuration } from '@berth/contract';
import type { ExitRecord, OrderRecord } from '@berth/task-shim';
import type { JobSpec } from '../ledger/record.js';

/**
 * Why a task failed, by the shim's record; null when it succeeded.
 * @param warned whether it had got the signal that ended it as the warning of its time limit
 * @param diagnosis what its output tells; null: nothing known
 */
export function causeOf(
  rank: number,
  exit: ExitRecord,
  spec: JobSpec,
  warned: boolean,
  diagnosis: Diagnosis | null,
): Cause | null {
  const base = { rank, exitCode: exit.exitCode, signal: exit.signal };
  if (exit.launchError)
    return { ...base, code: 'launch_error', sentence: launchSentence(exit.launchError, spec) };
  if (exit.exitCode === 0) return null;
  if (exit.group && exit.group.oomKills > 0)
    return { ...base, code: 'host_out_of_memory', sentence: outOfHostMemory(rank, exit.group, spec) };
  const end = exit.signal === null ? `exited with code ${exit.exitCode}` : `was ended by ${exit.signal}`;
  const how = end + afterRefusedForks(exit.group, spec);
  if (diagnosis) {
    const code =
      diagnosis.class === 'cuda_out_of_memory'
        ? 'out_of_memory'
        : exit.signal === null
          ? 'exit_code'
          : 'signal';
    return { ...base, code, sentence: `rank ${rank} ${how}: ${diagnosis.line}`, diagnosis };
  }
  if (exit.signal !== null) {
    const hint = warned
      ? ', the warning of its time limit, for which it has no handler'
      : SIGNAL_HINTS[exit.signal];
    return { ...base, code: 'signal', sentence: `rank ${rank} ${how}${hint ?? ''}` };
  }
  return { ...base, code: 'exit_code', sentence: `rank ${rank} ${how}; its log says more` };
}

/** Signals that a program's own doing brings on: its last words tell why. */
const OWN_SIGNALS = ['SIGABRT', 'SIGBUS', 'SIGFPE', 'SIGILL', 'SIGSEGV'];

/** Whether a program failed by itself, rather than that somebody ended it. */
export function failedByItself({ exitCode, signal }: ExitRecord): boolean {
  return signal === null ? exitCode !== null && exitCode !== 0 : OWN_SIGNALS.includes(signal);
}

const SIGNAL_HINTS: Record<string, string> = {
  SIGKILL: '; where nobody sent it, the host ran out of memory (see the kernel log)',
  SIGSEGV: ': it touched memory that is not its own',
  SIGBUS: '; often /dev/shm is full (DataLoader workers share memory through it)',
};

function outOfHostMemory(
  rank: number,
  { memoryLimitHits, memoryPeakBytes }: NonNullable<ExitRecord['group']>,
  { limits }: JobSpec,
): string {
  const peak = memoryPeakBytes === null ? '' : `, at ${formatBytes(memoryPeakBytes)}`;
  const limit = limits?.memoryBytes ?? null;
  if (limit !== null && memoryLimitHits > 0)
    return `the kernel killed processes of rank ${rank}${peak}: the job reached its limit of ${formatBytes(limit)} of the host's memory; give it more (limits.memory), or load less at once`;
  return `the kernel killed processes of rank ${rank}${peak}: the host ran out of memory; load less at once, or run less beside it (limits.memory keeps jobs from each other)`;
}

function afterRefusedForks(group: ExitRecord['group'], { limits }: JobSpec): string {
  const limit = limits?.processes ?? null;
  if (limit === null || !group || group.forksRefused === 0) return '';
  return ` after the job's limit of ${limit} processes and threads (limits.processes) had refused it ${group.forksRefused} more`;
}

function launchSentence(error: NonNullable<ExitRecord['launchError']>, spec: JobSpec): string {
  const program = spec.command?.[0] ?? 'the script';
  if (error.step === 'account') {
    return error.errno === 'ENOENT'
      ? `this host has no account ${spec.account}, as which it was to run; ask an admin`
      : `it could not be started as the account ${spec.account}: ${error.message}`;
  }
  if (error.step === 'control_group')
    return `its limits can't be kept: it could not be put into a control group (${error.message}); see berth doctor, or submit it without limits`;
  if (error.step === 'working_directory') {
    return error.errno === 'ENOENT'
      ? `the working directory ${spec.workingDirectory} does not exist; make it, or submit with another workingDirectory`
      : `the working directory ${spec.workingDirectory} can't be entered by ${spec.account ?? userInfo().username}, the account that the job runs as: ${error.message}`;
  }
  if (error.errno === 'ENOENT') {
    return program.includes('/')
      ? `${program} does not exist (or the interpreter that its #! line names doesn't)`
      : `there is no program ${program} on the job's PATH; give its full path, or set PATH in environment`;
  }
  if (error.errno === 'EACCES')
    return `${program} is not executable: chmod +x it, or run it by its interpreter`;
  return `${program} could not be started: ${error.message}`;
}

/** @param why such as `the process that watched over it was killed` */
export function endUnknown(rank: number, why: string, survivors: number): Cause {
  const left =
    survivors === 0
      ? 'none of its processes was left'
      : `what was left of it was killed (${survivors} process${survivors === 1 ? '' : 'es'})`;
  const sentence = `rank ${rank}: ${why}, so how it ended is unknown; ${left}`;
  return { code: 'worker_lost', sentence, rank, exitCode: null, signal: null };
}

export function neverStarted(rank: number): Cause {
  const sentence = `rank ${rank} was never started: its worker died first; a new attempt costs nothing`;
  return { code: 'worker_lost', sentence, rank, exitCode: null, signal: null };
}

/** What it is to run can't be read in the ledger. */
export function unreadable(rank: number, damage: string): Cause {
  const sentence = `it was not started, for it could not be read in the ledger (${damage}); once that is put right, requeue it`;
  return { code: 'launch_error', sentence, rank, exitCode: null, signal: null };
}

/** It ended within its grace period after a drill's signal: whether because of it nobody can tell, so it is made again. */
export function endedByDrill(rank: number, exit: ExitRecord, { signal }: OrderRecord): Cause {
  const { exitCode } = exit;
  const how = exit.signal ? `was ended by ${exit.signal}` : `ended with exit code ${exitCode}`;
  const sentence =
    exit.signal === signal
      ? `rank ${rank} was ended by ${signal}, which a drill had sent; it is run again`
      : `rank ${rank} ${how} after a drill had sent ${signal}; it is run again`;
  return { code: 'drill', sentence, rank, exitCode, signal: exit.signal };
}

/** The job ran for as long as it was allowed to. */
export function timeLimitReached(seconds: number): Cause {
  const sentence = `it reached its time limit of ${formatDuration(seconds)}; submit it with a larger timeLimit, or make it resume from checkpoints`;
  return { code: 'time_limit', sentence, rank: null, exitCode: null, signal: null };
}
