import { setTimeout as sleep } from 'node:timers/promises';
import { type ExitRecord, type OrderRecord, readOrders } from '@berth/task-shim';
import type { Change } from '../checkpoint-files.js';
import type { TaskDrill } from '../ledger/drill-view.js';
import type { CheckpointWatch } from './checkpoint-watch.js';
import { carriedOut } from './orders.js';

/** File systems on other hosts don't tell of changes, so they are asked; only while a drill runs. */
const LOOK_EVERY_MS = 200;
/** Who saves its work and exits does so soon after the file is there: that belongs to the picture. */
const LINGER_MS = 1500;

export const NO_DRILL: TaskDrill = {
  sentAt: null,
  processes: null,
  handlers: null,
  writtenAt: null,
  path: null,
  ended: null,
};

/** The order of the drill that this was begun for, once the shim has carried it out. */
export function drillOrder(directory: string, { since }: CheckpointWatch): OrderRecord | null {
  return readOrders(directory).findLast(({ purpose, at }) => purpose === 'drill' && at >= since) ?? null;
}

/**
 * Watches what a task makes of a drill's signal until a checkpoint is written or its grace period is over.
 * @param signal ends the watching: the task has ended
 */
export async function watchDrill(
  directory: string,
  graceSeconds: number,
  watch: CheckpointWatch,
  signal: AbortSignal,
): Promise<TaskDrill> {
  const order = await carriedOut(() => drillOrder(directory, watch), signal);
  if (!order) return NO_DRILL;
  let until = order.at + graceSeconds * 1000;
  let written: Change | null = null;
  for (;;) {
    const seen = await watch.written();
    signal.throwIfAborted();
    if (seen && !written) until = Math.min(until, Date.now() + LINGER_MS);
    written = seen ?? written;
    if (Date.now() >= until) return drillResult(order, written, null);
    await sleep(Math.min(LOOK_EVERY_MS, Math.max(1, until - Date.now())), undefined, { signal });
  }
}

/** What there is to say of a drill. @param exit of a task that has ended meanwhile */
export function drillResult(
  { at, processes, handlers }: OrderRecord,
  written: Change | null,
  exit: ExitRecord | null,
): TaskDrill {
  return {
    sentAt: at,
    processes,
    handlers,
    writtenAt: written && Math.round(written.at),
    path: written?.path ?? null,
    ended: exit && { exitCode: exit.exitCode, signal: exit.signal, at: exit.endedAt },
  };
}
