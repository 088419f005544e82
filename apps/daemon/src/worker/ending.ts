import type { CheckpointSignal } from '@berth/contract';
import { type ExitRecord, type OrderRecord, readOrders } from '@berth/task-shim';
import type { Change } from '../checkpoint-files.js';
import type { TaskCheckpoint } from '../ledger/checkpoint-view.js';
import type { JobSpec, TaskEnding } from '../ledger/record.js';

export function endingOf(exit: ExitRecord, checkpoint: TaskCheckpoint | null): TaskEnding {
  return {
    endedAt: exit.endedAt,
    exitCode: exit.exitCode,
    signal: exit.signal,
    maxResidentBytes: exit.maxRssBytes,
    memoryPeakBytes: exit.group?.memoryPeakBytes ?? null,
    cpuSeconds: exit.userCpuSeconds + exit.systemCpuSeconds,
    checkpoint,
  };
}

export function unknownEnding(): TaskEnding {
  return {
    endedAt: Date.now(),
    exitCode: null,
    signal: null,
    maxResidentBytes: null,
    cpuSeconds: null,
    checkpoint: null,
  };
}

/**
 * The order to save its work that a task's end followed: one that was to end it, or a drill's, within its grace period.
 * null: it ended for other reasons, as far as can be told.
 */
export function orderBehind(
  directory: string,
  exit: ExitRecord,
  { gracePeriod }: Pick<JobSpec, 'gracePeriod'>,
): OrderRecord | null {
  if (exit.launchError) return null;
  const orders = readOrders(directory);
  if (exit.checkpointSignal !== null) return orders.findLast(({ purpose }) => purpose === 'end') ?? null;
  const drill = orders.findLast(({ purpose }) => purpose === 'drill');
  const followed = drill && exit.stopRequestedAt === null && exit.endedAt <= drill.at + gracePeriod * 1000;
  return followed ? drill : null;
}

/** How a task took the order that its end followed. */
export function checkpointAfter(
  { signal, at }: OrderRecord,
  written: Change | null,
  { killed, termSentAt }: ExitRecord,
): TaskCheckpoint {
  return {
    signal: signal as CheckpointSignal,
    sentAt: at,
    writtenAt: written && Math.round(written.at),
    path: written?.path ?? null,
    endedBy: killed ? 'SIGKILL' : termSentAt !== null ? 'SIGTERM' : 'itself',
  };
}
