import { readFileSync } from 'node:fs';
import { formatDuration } from '@berth/contract';
import {
  isOfThisBoot,
  type OrderRecord,
  orderShim,
  readOrders,
  readStartRecord,
  type StartRecord,
} from '@berth/task-shim';
import type { Logger } from 'pino';
import type { Ledger } from '../ledger/ledger.js';
import type { JobSpec } from '../ledger/record.js';
import { LedgerRefusal } from '../ledger/refusal.js';
import { timeLimitReached } from './cause.js';
import { taskId } from './environment.js';
import { carriedOut } from './orders.js';
import { lockFile, type WatchedTask } from './watched-task.js';

/** A timer may be early by the clock on the wall. */
const TIMERS_DIFFER_MS = 1000;

/** setTimeout counts in 31 bits. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** Linux counts for programs in hundredths of a second (USER_HZ), whatever its own clock does. */
const TICKS_PER_SECOND = 100;

/** Ends tasks whose time is over, and warns those beforehand that asked for it. */
export class TimeLimits {
  private readonly ledger: Ledger;
  private readonly log: Logger;

  constructor(ledger: Ledger, log: Logger) {
    this.ledger = ledger;
    this.log = log;
  }

  /** Sets a task's alarms, in place of those that it had. @param startedAt ms since the epoch */
  set(task: WatchedTask, startedAt: number): void {
    this.callOff(task);
    const { end, warning } = timesOf(task.spec, startedAt);
    if (end !== null) task.alarms.push(callAt(end, () => this.stop(task)));
    if (warning !== null) task.alarms.push(callAt(warning, () => void this.warn(task, warning)));
  }

  callOff(task: WatchedTask): void {
    for (const callOff of task.alarms.splice(0)) callOff();
  }

  private stop({ job, attempt, spec }: WatchedTask): void {
    const cause = timeLimitReached(spec.timeLimit as number);
    this.ledger.stop(job, 'failed', cause, attempt).catch((error: unknown) => {
      if (!(error instanceof LedgerRefusal))
        this.log.error({ job, error }, 'the time limit could not be enforced');
    });
  }

  /** @param due ms since the epoch; a warning from then on, by a forerunner of this worker, is the same one */
  private async warn(task: WatchedTask, due: number): Promise<void> {
    const { directory, spec } = task;
    const start = readStartRecord(directory);
    if (!start || !spec.timeLimitWarning || spec.timeLimit === null) return;
    const { signal } = spec.timeLimitWarning;
    if (!warningSince(directory, due)) orderShim(lockFile(task), start, { purpose: 'warning', signal });
    try {
      const warning = await carriedOut(() => warningSince(directory, due), task.end.signal);
      if (!warning) return; // It is being ended already.
      const sentence = warningSentence(warning, spec.timeLimit, start.startedAt);
      await this.ledger.notice(task.job, task.attempt, { code: 'time_limit', device: null, sentence });
    } catch (error) {
      if (!task.end.signal.aborted && !(error instanceof LedgerRefusal))
        this.log.error({ task: taskId(task), error }, 'that a job was warned could not be said');
    }
  }
}

/** When a task's time is over, and when it is warned of that (ms since the epoch); null: never. */
function timesOf(
  { timeLimit, timeLimitWarning }: Pick<JobSpec, 'timeLimit' | 'timeLimitWarning'>,
  startedAt: number,
): { end: number | null; warning: number | null } {
  if (timeLimit === null) return { end: null, warning: null };
  const end = startedAt + timeLimit * 1000;
  return { end, warning: timeLimitWarning && Math.max(startedAt, end - timeLimitWarning.before * 1000) };
}

/**
 * When a task began, by the clock on the wall as it is set now (ms since the epoch): so a clock that was set meanwhile
 * takes nothing of its time and adds nothing. How long it has run the kernel knows (proc(5): uptime, starttime).
 */
export function beginningOf(start: StartRecord): number {
  const { startedAt, shimStartTicks } = start;
  if (!isOfThisBoot(start)) return startedAt;
  const uptimeSeconds = Number(readFileSync('/proc/uptime', 'utf8').split(' ')[0]);
  return Date.now() - (uptimeSeconds - shimStartTicks / TICKS_PER_SECOND) * 1000;
}

/** Calls at a time, also one that is over or further away than a timer counts. @returns a function that calls it off */
function callAt(at: number, call: () => void): () => void {
  let timer: NodeJS.Timeout;
  const wait = (): void => {
    const left = at - Date.now();
    timer =
      left > LONGEST_TIMER_MS ? setTimeout(wait, LONGEST_TIMER_MS) : setTimeout(call, Math.max(left, 0));
  };
  wait();
  return () => clearTimeout(timer);
}

/** The last warning that a task was sent, if it was not before this time (ms since the epoch). */
export function warningSince(directory: string, due: number): OrderRecord | null {
  const warned = ({ purpose, at }: OrderRecord): boolean =>
    purpose === 'warning' && at >= due - TIMERS_DIFFER_MS;
  return readOrders(directory).findLast(warned) ?? null;
}

/** In whole seconds, so that all ranks say the same. */
function warningSentence({ signal, at }: OrderRecord, timeLimit: number, startedAt: number): string {
  const left = Math.max(0, Math.round(timeLimit - (at - startedAt) / 1000));
  return `${signal} was sent to all its processes ${formatDuration(left)} before its time limit of ${formatDuration(timeLimit)}`;
}
