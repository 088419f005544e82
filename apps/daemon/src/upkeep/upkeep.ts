import type { JobId } from '@berth/contract';
import type { Logger } from 'pino';
import type { DataDirectory } from '../data-directory.js';
import type { DeviceQueues } from '../ledger/device-queue.js';
import type { Ledger } from '../ledger/ledger.js';
import { type JobRecord, placedAttempt } from '../ledger/record.js';
import { type EndedJob, isWanted } from '../ledger/retention.js';
import { whyUnavailable } from '../ledger/unavailable.js';
import { bytesByJob, removeFiles, removeUnfinished } from './job-files.js';
import { logsThatGo, type Retention } from './judgement.js';
import { turnOver } from './process-logs.js';

const PAGE = 200;
/** A new daemon has better things to do than to look at old jobs. */
const FIRST_LOOK_SECONDS = 60;

interface Options {
  ledger: Ledger;
  queues: DeviceQueues;
  directories: DataDirectory;
  retention: Retention;
  log: Logger;
}

/**
 * Removes what has ended for so long that nobody is to see it any more: logs first, later the job itself.
 *
 * The ledger decides: a job that is wanted again meanwhile is refused, and stays. What is to be removed from the disk is noted
 * there in the same step, so that a daemon which is killed between the two leaves no rubbish.
 */
export class Upkeep {
  private readonly options: Options;
  private timer: NodeJS.Timeout | null = null;
  private looking: Promise<void> = Promise.resolve();
  private closed = false;

  constructor(options: Options) {
    this.options = options;
  }

  async start(): Promise<void> {
    await removeUnfinished(this.options.directories.jobs).catch((error: Error) =>
      this.options.log.warn({ error: error.message }, 'copies of code that broke off could not be removed'),
    );
    this.lookIn(Math.min(this.options.retention.every, FIRST_LOOK_SECONDS));
  }

  async close(): Promise<void> {
    this.closed = true;
    if (this.timer) clearTimeout(this.timer);
    await this.looking;
  }

  private lookIn(seconds: number): void {
    this.timer = setTimeout(() => {
      this.looking = this.look(Date.now())
        .catch((error: unknown) =>
          this.options.log.warn({ error: (error as Error).message }, 'what is too old could not be removed'),
        )
        .finally(() => {
          if (!this.closed) this.lookIn(this.options.retention.every);
        });
    }, seconds * 1000);
    this.timer.unref();
  }

  /** @param now ms since the epoch */
  async look(now: number): Promise<void> {
    const { ledger, directories, log } = this.options;
    await turnOver(directories.processLogs());
    const jobs = await this.forgetJobs(now);
    const logs = await this.removeLogs(now);
    const removals = await ledger.retention.removals();
    if (removals.length > 0) await removeFiles(directories.jobs, removals);
    // Together: one after another each would wait for the disk, and many short jobs end faster than that.
    await Promise.all(removals.map((removal) => ledger.retention.removed(removal)));
    if (jobs > 0 || logs.jobs > 0)
      log.info(
        { forgottenJobs: jobs, logsOfJobs: logs.jobs, logBytes: logs.bytes },
        'removed what is too old',
      );
  }

  private async forgetJobs(now: number): Promise<number> {
    const { retention } = this.options.ledger;
    const { jobs, mostJobs } = this.options.retention;
    let tooMany = (await retention.count()) - mostJobs;
    let forgotten = 0;
    let wanted = 0;
    while (!this.closed) {
      const oldest = await retention.oldest(wanted, PAGE);
      const due = oldest.filter(({ endedAt }, i) => endedAt < now - jobs * 1000 || i + wanted < tooMany);
      if (due.length === 0) break;
      const gone = (await Promise.all(due.map((job) => this.forget(job)))).filter(Boolean).length;
      forgotten += gone;
      tooMany -= gone;
      wanted += due.length - gone;
    }
    return forgotten;
  }

  /** @returns whether it is forgotten now */
  private async forget(job: EndedJob): Promise<boolean> {
    const { ledger } = this.options;
    const [record] = await ledger.records([job.id]);
    try {
      await ledger.retention.forget(job);
    } catch (error) {
      this.passOver(job, error as Error);
      return false;
    }
    if (record) await this.forgetHandOvers(record);
    return true;
  }

  private async forgetHandOvers(record: JobRecord): Promise<void> {
    const job = record.id as JobId;
    for (let attempt = 1; attempt <= Number(record.attempt); attempt += 1) {
      for (const { rank, devices } of placedAttempt(record, attempt).tasks)
        await this.options.queues.forget(devices[0] as string, { job, attempt, rank });
    }
  }

  private async removeLogs(now: number): Promise<{ jobs: number; bytes: number }> {
    const { ledger, directories, retention } = this.options;
    const sizes = [...(await bytesByJob(directories.jobs))];
    const endings = await ledger.retention.endings(sizes.map(([id]) => id));
    const kept = sizes.flatMap(([id, bytes], i) => {
      const endedAt = endings[i] ?? null;
      return endedAt === null ? [] : [{ id, bytes, endedAt }];
    });
    const others = sizes.reduce(
      (sum, [, bytes], i) => ((endings[i] ?? null) === null ? sum + bytes : sum),
      0,
    );
    const removed = { jobs: 0, bytes: 0 };
    for (const job of logsThatGo(kept, others, retention, now)) {
      try {
        await ledger.retention.removeLogs(job);
        removed.jobs += 1;
        removed.bytes += job.bytes;
      } catch (error) {
        this.passOver(job, error as Error);
      }
    }
    return removed;
  }

  /** Somebody wants a job after all, or it can't be read: the others go all the same. @throws where the ledger can't be asked */
  private passOver({ id }: EndedJob, error: Error): void {
    if (isWanted(error)) return;
    if (whyUnavailable(error)) throw error;
    this.options.log.warn({ job: id, error: error.message }, 'a job that is too old could not be removed');
  }
}
