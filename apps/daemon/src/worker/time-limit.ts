import { readFileSync } from 'node:fs';
import { formatDuration } from '@berth/contract';
import { isOfThisBoot, type OrderRecord, readOrders, type StartRecord } from '@berth/task-shim';
import type { JobSpec } from '../ledger/record.js';

/** A timer may be early by the clock on the wall. */
const TIMERS_DIFFER_MS = 1000;

/** setTimeout counts in 31 bits. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** When a task's time is over, and when it is warned of that (ms since the epoch); null: never. */
export function timesOf(
  { timeLimit, timeLimitWarning }: Pick<JobSpec, 'timeLimit' | 'timeLimitWarning'>,
  startedAt: number,
): { end: number | null; warning: number | null } {
  if (timeLimit === null) return { end: null, warning: null };
  const end = startedAt + timeLimit * 1000;
  return { end, warning: timeLimitWarning && Math.max(startedAt, end - timeLimitWarning.before * 1000) };
}

/** Linux counts for programs in hundredths of a second (USER_HZ), whatever its own clock does. */
const TICKS_PER_SECOND = 100;

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
export function callAt(at: number, call: () => void): () => void {
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
export function warningSentence({ signal, at }: OrderRecord, timeLimit: number, startedAt: number): string {
  const left = Math.max(0, Math.round(timeLimit - (at - startedAt) / 1000));
  return `${signal} was sent to all its processes ${formatDuration(left)} before its time limit of ${formatDuration(timeLimit)}`;
}
