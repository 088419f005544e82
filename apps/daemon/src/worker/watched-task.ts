import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { readExitRecord, readStartRecord } from '@berth/task-shim';
import { checkpointPlaces } from '../checkpoint-files.js';
import type { DataDirectory } from '../data-directory.js';
import { type JobRecord, type JobSpec, specOf } from '../ledger/record.js';
import type { TaskReference } from '../ledger/task-reference.js';

/** A task that runs under this worker's eyes. */
export interface WatchedTask extends TaskReference {
  /** What of it may change is its time limit. */
  spec: JobSpec;
  readonly directory: string;
  /** Where its checkpoints are seen. */
  readonly places: readonly string[];
  /** Whether the ledger knows that it runs. */
  started: boolean;
  /** Each calls off what was to happen at some time. */
  alarms: (() => void)[];
  /** Aborted when it has ended. */
  readonly end: AbortController;
  /** When its last drill began, and that which is watched by us (ms since the epoch). */
  lastDrill: number | null;
  drilling: number | null;
}

export function watchedTask(task: TaskReference, record: JobRecord, directories: DataDirectory): WatchedTask {
  const spec = specOf(record);
  return {
    ...task,
    spec,
    directory: directories.task(task.job, task.attempt, task.rank),
    places: checkpointPlaces(directories, task.job, spec),
    started: record[`task:${task.attempt}:${task.rank}:state`] === 'running',
    alarms: [],
    end: new AbortController(),
    lastDrill: drillBegun(task, record),
    drilling: null,
  };
}

/** When the last drill of a task's attempt began (ms since the epoch); null: there was none. */
export function drillBegun({ attempt }: TaskReference, record: JobRecord): number | null {
  const begun = record[`attempt:${attempt}:drill`];
  return begun === undefined ? null : Number(begun);
}

export function lockFile({ directory }: WatchedTask): string {
  return join(directory, 'lock');
}

/** Whether its folder says that its command has begun, or could not be begun for a reason of its own. */
export function isStarted({ directory }: WatchedTask): boolean {
  return readStartRecord(directory) !== null || readExitRecord(directory) !== null;
}

export function makeFolder({ directory }: WatchedTask): void {
  try {
    mkdirSync(directory, { mode: 0o700 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}
