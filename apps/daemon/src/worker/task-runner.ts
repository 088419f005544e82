import { setTimeout as sleep } from 'node:timers/promises';
import { DEFAULT_CHECKPOINT_SIGNAL, type Diagnosis, type JobId } from '@berth/contract';
import {
  type ControlGroups,
  type ExitRecord,
  type HeldLock,
  isOfThisBoot,
  orderShim,
  readExitRecord,
  readStartRecord,
  type StartRecord,
  signalHolder,
  tryLock,
  waitForLock,
  writeTombstone,
} from '@berth/task-shim';
import type { Logger } from 'pino';
import type { DataDirectory } from '../data-directory.js';
import { checkRoom } from '../disk-room.js';
import { damageOf } from '../ledger/damage.js';
import type { Ledger } from '../ledger/ledger.js';
import { type JobRecord, noticesOf, specOf } from '../ledger/record.js';
import { LedgerRefusal } from '../ledger/refusal.js';
import type { TaskReference } from '../ledger/task-reference.js';
import { RecurringTrouble } from '../recurring-trouble.js';
import { causeOf, endedByDrill, endUnknown, failedByItself, neverStarted, unreadable } from './cause.js';
import { CheckpointWatch } from './checkpoint-watch.js';
import { diagnose } from './diagnosis.js';
import { Drills, drillName } from './drill.js';
import { checkpointAfter, endingOf, orderBehind, unknownEnding } from './ending.js';
import { taskId } from './environment.js';
import { Shims } from './shims.js';
import { beginningOf, TimeLimits, warningSince } from './time-limit.js';
import { isStarted, lockFile, makeFolder, type WatchedTask, watchedTask } from './watched-task.js';

/** Between two tries to start a task. */
const PAUSE_BEFORE_START_MS = 1000;

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
  private readonly shims: Shims;
  private readonly drills: Drills;
  private readonly timeLimits: TimeLimits;
  private readonly log: Logger;
  /** Tells this worker's claims from those of its forerunners. */
  private readonly token: string;

  constructor(options: {
    ledger: Ledger;
    directories: DataDirectory;
    /** null: this host has none. */
    groups: ControlGroups | null;
    logLimit: number;
    token: string;
    log: Logger;
  }) {
    this.ledger = options.ledger;
    this.directories = options.directories;
    this.token = options.token;
    this.log = options.log;
    this.shims = new Shims(options);
    this.drills = new Drills(options.ledger, options.log);
    this.timeLimits = new TimeLimits(options.ledger, options.log);
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
    // By who adopts what is open: a claim may be sent twice.
    if (this.watched.has(taskId(task))) return;
    const damage = damageOf(task.job, record);
    if (damage !== null) {
      this.log.error({ task: taskId(task), damage }, 'a task is not started: its job can not be read');
      await this.ledger.finish(task, unknownEnding(), unreadable(task.rank, damage));
      return;
    }
    const watched = this.watch(task, record);
    if (await this.startWhenPossible(watched, record)) void this.settleAtEnd(watched);
  }

  /**
   * Starts a claimed task as soon as the host has what that takes: disk, descriptors, processes.
   * @returns false where it was to be stopped meanwhile; then it is settled already
   */
  private async startWhenPossible(task: WatchedTask, record: JobRecord): Promise<boolean> {
    const delay = new RecurringTrouble(this.log, {
      begins: 'a task can not be started yet; trying again every second',
      ends: 'a task could be started after all',
      level: 'error',
    });
    for (;;) {
      try {
        checkRoom(this.directories.jobs);
        makeFolder(task);
        const lock = tryLock(lockFile(task));
        // Only the claimant makes this folder, and it claims once; whoever has the lock then knows how the task ended.
        try {
          if (lock && !isStarted(task)) await this.shims.start(task, record, lock);
        } finally {
          // Gone over to the shim; where it was not, the next try needs it.
          lock?.release();
        }
        break;
      } catch (error) {
        // Whatever failed, its command did not begin: nothing of it is in the folder, and no shim holds the lock.
        delay.tell(error, { task: taskId(task) });
        await this.noteDelay(task, error as Error);
        await sleep(PAUSE_BEFORE_START_MS);
        if ((await this.ledger.record(task.job))?.state !== 'stopping') continue;
        await this.ledger.finish(task, unknownEnding(), neverStarted(task.rank), true);
        this.forget(task);
        return false;
      }
    }
    delay.over({ task: taskId(task) });
    await this.noteStart(task);
    return true;
  }

  private async noteDelay(task: WatchedTask, error: Error): Promise<void> {
    const sentence = `it can't be started yet, and Berth tries again every second: ${error.message}`;
    try {
      await this.ledger.notice(task.job, task.attempt, { code: 'start_delayed', device: null, sentence });
    } catch (refusal) {
      if (!(refusal instanceof LedgerRefusal)) throw refusal;
    }
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
    if (!watched) return;
    const start = readStartRecord(watched.directory);
    if (!start) {
      this.stopWithoutRecord(watched);
      return;
    }
    const sent = signalHolder(lockFile(watched), start.shimPid, 'SIGTERM');
    // A shim that somebody has stopped hears it only when it goes on.
    signalHolder(lockFile(watched), start.shimPid, 'SIGCONT');
    this.log.info({ task: taskId(task), sent }, 'stopping a task');
  }

  /** Not started yet: `noteStart` finds out that it is to stop. Or its folder was removed: then its shim can't be asked any more. */
  private stopWithoutRecord(task: WatchedTask): void {
    if (!task.started) return;
    this.log.warn({ task: taskId(task) }, 'the folder of a task that is to be stopped is gone; killing it');
    this.shims.sweep(task).catch((error: unknown) => {
      this.log.error({ task: taskId(task), error }, 'a task without a folder could not be killed');
    });
  }

  /** Asks a task to save its work and end: its signal now, after half the grace period SIGTERM, at its end SIGKILL. */
  async save(task: TaskReference): Promise<void> {
    const watched = this.watched.get(taskId(task));
    if (!watched) return;
    const start = readStartRecord(watched.directory);
    if (!start) return this.stopWithoutRecord(watched);
    await CheckpointWatch.begin(watched, 'end');
    const signal = watched.spec.checkpointSignal ?? DEFAULT_CHECKPOINT_SIGNAL;
    const sentAt = Date.now();
    const sent = orderShim(lockFile(watched), start, { purpose: 'end', signal });
    this.log.info({ task: taskId(task), signal, sent }, 'asking a task to save its work and end');
    if (sent) await this.ledger.noteCheckpointSignal(task, { signal, sentAt });
    else this.stop(task);
  }

  /** Sends a task its checkpoint signal, to see what it makes of it; or goes on watching, where that was sent already. */
  async drill(task: TaskReference): Promise<void> {
    const record = await this.ledger.record(task.job);
    const watched = this.watched.get(taskId(task));
    const start = watched && readStartRecord(watched.directory);
    if (record && start) await this.drills.carryOut(watched, record, start);
  }

  /** Does what was to be done while nobody could tell us so. */
  async catchUp(): Promise<void> {
    const jobs = new Set([...this.watched.values()].map(({ job }) => job));
    for (const record of await this.ledger.records([...jobs])) {
      for (const task of this.watched.values()) {
        if (task.job !== record.id) continue;
        const start = readStartRecord(task.directory);
        if (record.state === 'stopping') await this.endAsSaid(task, record.saving === '1');
        else if (start) await this.drills.carryOut(task, record, start);
      }
    }
  }

  private async endAsSaid(task: TaskReference, saving: boolean): Promise<void> {
    if (saving) await this.save(task);
    else this.stop(task);
  }

  /** Takes over the limits of a job that were changed while it runs. */
  async limitAnew(job: JobId): Promise<void> {
    const record = await this.ledger.record(job);
    for (const task of record ? this.watched.values() : []) {
      const start = task.job === job && readStartRecord(task.directory);
      if (!start) continue;
      task.spec = specOf(record as JobRecord);
      this.timeLimits.set(task, beginningOf(start));
    }
  }

  private watch(task: TaskReference, record: JobRecord): WatchedTask {
    const watched = watchedTask(task, record, this.directories);
    this.watched.set(taskId(task), watched);
    return watched;
  }

  /** Writes the start into the ledger, once the shim has written it into the folder. */
  private async noteStart(task: WatchedTask): Promise<void> {
    const start = readStartRecord(task.directory);
    if (!start) return; // The shim is still starting, or never will; its lock tells when that is decided.
    const { state, saving } = await this.ledger.start(task, start.pid, start.startedAt);
    task.started = true;
    this.timeLimits.set(task, beginningOf(start));
    if (state === 'stopping') await this.endAsSaid(task, saving);
  }

  /** Writes down how a task ended that its shim saw end. */
  private async finish(task: WatchedTask, exit: ExitRecord): Promise<void> {
    const order = orderBehind(task.directory, exit, task.spec);
    const ends = order?.purpose === 'end';
    await this.drills.noteEnd(task, exit);
    const watch = order && CheckpointWatch.resume(task, ends ? 'end' : drillName(task.lastDrill));
    const written = (await watch?.written()) ?? null;
    const ending = endingOf(exit, order && checkpointAfter(order, written, exit));
    if (order && !ends) return this.ledger.finish(task, ending, endedByDrill(task.rank, exit, order), true);
    const warned =
      task.spec.timeLimitWarning?.signal === exit.signal && warningSince(task.directory, 0) !== null;
    const diagnosis = failedByItself(exit) ? await this.diagnose(task, exit) : null;
    await this.ledger.finish(task, ending, causeOf(task.rank, exit, task.spec, warned, diagnosis));
  }

  /** What its output tells of a failure. It must not keep a task from being settled. */
  private async diagnose(task: WatchedTask, { signal }: ExitRecord): Promise<Diagnosis | null> {
    const { job, attempt, directory, spec } = task;
    try {
      const record = await this.ledger.record(job);
      const xid =
        record && noticesOf(record).findLast((said) => said.attempt === attempt && said.code === 'xid');
      return await diagnose(directory, {
        gpus: spec.gpus,
        shares: spec.sharing !== null,
        bySignal: signal !== null,
        xid: xid?.sentence ?? null,
      });
    } catch (error) {
      this.log.warn(
        { directory, error: (error as Error).message },
        'the output of a failed task is not to be read',
      );
      return null;
    }
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
    task.end.abort();
    if (exit) {
      await this.finish(task, exit);
    } else if (start || task.started) {
      // Without its records its shim may still live: the lock is another file then.
      const survivors = await this.shims.sweep(task);
      const why = whyUnknown(task, start);
      await this.ledger.finish(task, unknownEnding(), endUnknown(task.rank, why, survivors));
    } else {
      writeTombstone(task.directory);
      await this.ledger.finish(task, unknownEnding(), neverStarted(task.rank), true);
    }
    lock.release();
    this.forget(task);
  }

  private forget(task: WatchedTask): void {
    this.timeLimits.callOff(task);
    this.watched.delete(taskId(task));
  }
}

/** Why nobody wrote down how a task ended. */
function whyUnknown({ directory }: WatchedTask, start: StartRecord | null): string {
  if (!start) return `what was written about it in ${directory} is gone`;
  return isOfThisBoot(start)
    ? 'the process that watched over it (berth-shim) was killed, by somebody or by the kernel for want of memory'
    : 'the host went down while it ran';
}
