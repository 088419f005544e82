import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { JobId } from '@berth/contract';
import {
  type HeldLock,
  readExitRecord,
  readStartRecord,
  signalHolder,
  startShim,
  sweepTask,
  tryLock,
  waitForLock,
  writeTombstone,
} from '@berth/task-shim';
import type { Logger } from 'pino';
import type { DataDirectory } from '../data-directory.js';
import type { Ledger } from '../ledger/ledger.js';
import { type JobRecord, type JobSpec, placedAttempt, specOf, type TaskEnding } from '../ledger/record.js';
import { LedgerRefusal } from '../ledger/refusal.js';
import type { TaskReference } from '../ledger/task-reference.js';
import { causeOf, timeLimitReached, workerLost } from './cause.js';
import { taskCommand } from './command.js';
import { taskEnvironment, taskId } from './environment.js';

/** setTimeout counts in 31 bits. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** A task that runs under this worker's eyes. */
interface WatchedTask extends TaskReference {
  /** What of it may change is its time limit. */
  spec: JobSpec;
  readonly directory: string;
  /** Whether the ledger knows that it runs. */
  started: boolean;
  timer: NodeJS.Timeout | null;
}

/**
 * Starts, watches and ends the tasks of one device.
 *
 * All that it knows is in the ledger and in the task's folder, so that a worker which is killed at any point is
 * replaced by the next one: what the folder's lock says decides (held: it runs; free: it is over).
 */
export class TaskRunner {
  private readonly watched = new Map<string, WatchedTask>();
  private readonly ledger: Ledger;
  private readonly directories: DataDirectory;
  private readonly logLimit: number;
  private readonly log: Logger;
  /** Tells this worker's claims from those of its forerunners. */
  private readonly token: string;

  constructor(options: {
    ledger: Ledger;
    directories: DataDirectory;
    logLimit: number;
    token: string;
    log: Logger;
  }) {
    this.ledger = options.ledger;
    this.directories = options.directories;
    this.logLimit = options.logLimit;
    this.token = options.token;
    this.log = options.log;
  }

  /** How many tasks it watches. */
  get size(): number {
    return this.watched.size;
  }

  /**
   * Takes a task over from the queue: claims it, starts it, and resolves once it has started.
   * A task that may not be started any more is passed over in silence: the ledger has said why.
   */
  async take(task: TaskReference): Promise<void> {
    let record: JobRecord;
    try {
      record = await this.ledger.claim(task, this.token);
    } catch (error) {
      if (!(error instanceof LedgerRefusal)) throw error;
      this.log.info({ task: taskId(task), refusal: error.code }, 'this task is not to be started');
      return;
    }
    const watched = this.watch(task, record);
    makeFolder(watched);
    const lock = tryLock(lockFile(watched));
    // Only the claimant makes this folder, and it claims once; whoever has the lock then knows how the task ended.
    if (lock) await this.launch(watched, record, lock);
    void this.settleAtEnd(watched);
  }

  /** Takes up again what a forerunner of this worker left: a task that the ledger knows as claimed or running. */
  async adopt(task: TaskReference, record: JobRecord): Promise<void> {
    const watched = this.watch(task, record);
    this.log.info({ task: taskId(task) }, 'adopting a task');
    makeFolder(watched);
    const free = tryLock(lockFile(watched));
    if (free) return this.settle(watched, free);
    await this.noteStart(watched);
    void this.settleAtEnd(watched);
  }

  /** Asks a task to stop: SIGTERM now, SIGKILL after its grace period (the shim sees to both). */
  stop(task: TaskReference): void {
    const watched = this.watched.get(taskId(task));
    const start = watched && readStartRecord(watched.directory);
    if (!start) return; // Not started yet: `noteStart` finds out that it is to stop.
    const sent = signalHolder(lockFile(watched), start.shimPid, 'SIGTERM');
    this.log.info({ task: taskId(task), sent }, 'stopping a task');
  }

  /** Stops what was to be stopped while nobody could tell us so. */
  async stopWhatShouldStop(): Promise<void> {
    const jobs = new Set([...this.watched.values()].map(({ job }) => job));
    for (const record of await this.ledger.records([...jobs])) {
      if (record.state !== 'stopping') continue;
      for (const task of this.watched.values()) if (task.job === record.id) this.stop(task);
    }
  }

  /** Takes over the limits of a job that were changed while it runs. */
  async limitAnew(job: JobId): Promise<void> {
    const record = await this.ledger.record(job);
    for (const task of record ? this.watched.values() : []) {
      const start = task.job === job && readStartRecord(task.directory);
      if (!start) continue;
      task.spec = specOf(record as JobRecord);
      if (task.timer) clearTimeout(task.timer);
      this.limitTime(task, start.startedAt);
    }
  }

  private watch(task: TaskReference, record: JobRecord): WatchedTask {
    const directory = this.directories.task(task.job, task.attempt, task.rank);
    const watched = { ...task, spec: specOf(record), directory, started: false, timer: null };
    this.watched.set(taskId(task), watched);
    return watched;
  }

  private async launch(task: WatchedTask, record: JobRecord, lock: HeldLock): Promise<void> {
    const placed = placedAttempt(record, task.attempt);
    const shim = startShim({
      directory: task.directory,
      lock,
      graceSeconds: task.spec.gracePeriod,
      logLimitBytes: this.logLimit,
      workingDirectory: task.spec.workingDirectory,
      environment: taskEnvironment(task, record, task.spec, placed, task.directory),
      command: taskCommand(task.spec, task.directory),
    });
    if ((await shim.ready) === 'started') await this.noteStart(task);
  }

  /** Writes the start into the ledger, once the shim has written it into the folder. */
  private async noteStart(task: WatchedTask): Promise<void> {
    const start = readStartRecord(task.directory);
    if (!start) return; // The shim is still starting, or never will; its lock tells when that is decided.
    const { state } = await this.ledger.start(task, start.pid, start.startedAt);
    task.started = true;
    this.limitTime(task, start.startedAt);
    if (state === 'stopping') this.stop(task);
  }

  private limitTime(task: WatchedTask, startedAt: number): void {
    const { timeLimit } = task.spec;
    if (timeLimit === null) return;
    const left = startedAt + timeLimit * 1000 - Date.now();
    task.timer = setTimeout(
      () => {
        if (left > LONGEST_TIMER_MS) return this.limitTime(task, startedAt);
        this.stopForTime(task.job, task.attempt, timeLimit);
      },
      Math.min(Math.max(left, 0), LONGEST_TIMER_MS),
    );
  }

  private stopForTime(job: JobId, attempt: number, timeLimit: number): void {
    this.ledger.stop(job, 'failed', timeLimitReached(timeLimit), attempt).catch((error: unknown) => {
      if (!(error instanceof LedgerRefusal))
        this.log.error({ job, error }, 'the time limit could not be enforced');
    });
  }

  private async settleAtEnd(task: WatchedTask): Promise<void> {
    try {
      await this.settle(task, await waitForLock(lockFile(task)));
    } catch (error) {
      // Not to know how a task ended must not go unnoticed: the next worker settles it from the folder.
      this.log.fatal({ task: taskId(task), error }, 'a task could not be settled');
      process.exit(1);
    }
  }

  /**
   * Writes down how a task ended. The caller hands over the task's lock: so no shim of it lives, and none that is
   * late can begin, for it would need the lock first and then find the tombstone.
   */
  private async settle(task: WatchedTask, lock: HeldLock): Promise<void> {
    const start = readStartRecord(task.directory);
    const exit = readExitRecord(task.directory);
    if (start && !task.started && !exit?.launchError)
      await this.ledger.start(task, start.pid, start.startedAt);
    if (exit) {
      await this.ledger.finish(task, endingOf(exit), causeOf(task.rank, exit, task.spec));
    } else if (start) {
      const survivors = await sweepTask(taskId(task));
      await this.ledger.finish(task, unknownEnding(), workerLost(task.rank, true, survivors));
    } else {
      writeTombstone(task.directory);
      await this.ledger.finish(task, unknownEnding(), workerLost(task.rank, false, 0), true);
    }
    lock.release();
    if (task.timer) clearTimeout(task.timer);
    this.watched.delete(taskId(task));
  }
}

function makeFolder({ directory }: WatchedTask): void {
  try {
    mkdirSync(directory, { mode: 0o700 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}

function lockFile(task: WatchedTask): string {
  return join(task.directory, 'lock');
}

function endingOf(exit: NonNullable<ReturnType<typeof readExitRecord>>): TaskEnding {
  return {
    endedAt: exit.endedAt,
    exitCode: exit.exitCode,
    signal: exit.signal,
    maxResidentBytes: exit.maxRssBytes,
    cpuSeconds: exit.userCpuSeconds + exit.systemCpuSeconds,
    checkpoint: null,
  };
}

function unknownEnding(): TaskEnding {
  return {
    endedAt: Date.now(),
    exitCode: null,
    signal: null,
    maxResidentBytes: null,
    cpuSeconds: null,
    checkpoint: null,
  };
}
