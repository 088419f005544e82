import { setTimeout as sleep } from 'node:timers/promises';
import { DEFAULT_CHECKPOINT_SIGNAL } from '@berth/contract';
import { type ExitRecord, type OrderRecord, orderShim, readOrders, type StartRecord } from '@berth/task-shim';
import type { Logger } from 'pino';
import type { Change } from '../checkpoint-files.js';
import type { TaskDrill } from '../ledger/drill-view.js';
import type { Ledger } from '../ledger/ledger.js';
import type { JobRecord } from '../ledger/record.js';
import { LedgerRefusal } from '../ledger/refusal.js';
import { CheckpointWatch } from './checkpoint-watch.js';
import { taskId } from './environment.js';
import { carriedOut } from './orders.js';
import { drillBegun, lockFile, type WatchedTask } from './watched-task.js';

/** File systems on other hosts don't tell of changes, so they are asked; only while a drill runs. */
const LOOK_EVERY_MS = 200;
/** Who saves its work and exits does so soon after the file is there: that belongs to the picture. */
const LINGER_MS = 1500;

const NO_DRILL: TaskDrill = {
  sentAt: null,
  processes: null,
  handlers: null,
  writtenAt: null,
  path: null,
  ended: null,
};

/** Sends tasks their checkpoint signal to see what they make of it, and tells the ledger. */
export class Drills {
  private readonly ledger: Ledger;
  private readonly log: Logger;

  constructor(ledger: Ledger, log: Logger) {
    this.ledger = ledger;
    this.log = log;
  }

  /** Does what the last drill of its attempt asks of a task; goes on watching where the signal was sent already. */
  async carryOut(task: WatchedTask, record: JobRecord, start: StartRecord): Promise<void> {
    const begun = drillBegun(task, record);
    const done = record[`task:${task.attempt}:${task.rank}:drill`] !== undefined;
    if (begun === null || done || task.drilling === begun) return;
    task.drilling = begun;
    task.lastDrill = begun;
    const watch = await CheckpointWatch.begin(task, drillName(begun));
    const signal = task.spec.checkpointSignal ?? DEFAULT_CHECKPOINT_SIGNAL;
    if (!drillOrder(task.directory, watch)) orderShim(lockFile(task), start, { purpose: 'drill', signal });
    this.log.info({ task: taskId(task), signal }, 'a drill: asking a task to save its work');
    watchDrill(task.directory, task.spec.gracePeriod, watch, task.end.signal)
      .then((result) => this.ledger.noteDrill(task, begun, result))
      .catch((error: unknown) => {
        // When the task has ended `noteEnd` says so.
        if (!task.end.signal.aborted && !(error instanceof LedgerRefusal))
          this.log.error({ task: taskId(task), error }, 'what a drill found out could not be said');
      });
  }

  /** Writes down what became of a task's drill, if it had one, now that it has ended. */
  async noteEnd(task: WatchedTask, exit: ExitRecord): Promise<void> {
    if (task.lastDrill === null) return;
    const watch = CheckpointWatch.resume(task, drillName(task.lastDrill));
    const order = watch && drillOrder(task.directory, watch);
    const result = order ? drillResult(order, await watch.written(), exit) : NO_DRILL;
    await this.ledger.noteDrill(task, task.lastDrill, result).catch((error: unknown) => {
      if (!(error instanceof LedgerRefusal)) throw error;
    });
  }
}

/** By which its checkpoint watch is known. */
export const drillName = (begun: number | null): string => `drill-${begun}`;

/** The order of the drill that this was begun for, once the shim has carried it out. */
function drillOrder(directory: string, { since }: CheckpointWatch): OrderRecord | null {
  return readOrders(directory).findLast(({ purpose, at }) => purpose === 'drill' && at >= since) ?? null;
}

/**
 * Watches what a task makes of a drill's signal until a checkpoint is written or its grace period is over.
 * @param signal ends the watching: the task has ended
 */
async function watchDrill(
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
function drillResult(
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
