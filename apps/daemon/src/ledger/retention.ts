import type { JobId } from '@berth/contract';
import type { Redis } from 'ioredis';
import { KEYS } from './keys.js';
import { LedgerRefusal } from './refusal.js';
import type { RunScript } from './scripts.js';

const AT_ONCE = 500;

/** A job that has ended. */
export interface EndedJob {
  id: JobId;
  /** ms since the epoch. */
  endedAt: number;
}

/** Files that the ledger wants gone: all of a job's, or those of its first attempts. */
export interface Removal {
  job: JobId;
  attempts: number | null;
}

/** What the ledger forgets, and what it knows of files that are to go. */
export class RetentionLedger {
  private readonly redis: Redis;
  private readonly run: RunScript;

  constructor(redis: Redis, run: RunScript) {
    this.redis = redis;
    this.run = run;
  }

  /** How many jobs have ended. */
  async count(): Promise<number> {
    return await this.redis.zcard(KEYS.ended);
  }

  /**
   * Those that ended the longest ago, in that order.
   * @param from how many of these to leave out
   */
  async oldest(from: number, limit: number): Promise<EndedJob[]> {
    const found = await this.redis.zrange(KEYS.ended, String(from), String(from + limit - 1), 'WITHSCORES');
    const jobs: EndedJob[] = [];
    for (let i = 0; i < found.length; i += 2)
      jobs.push({ id: found[i] as JobId, endedAt: Number(found[i + 1]) });
    return jobs;
  }

  /** When jobs ended, in ms since the epoch; null where one hasn't, or is gone. */
  async endings(ids: readonly JobId[]): Promise<(number | null)[]> {
    const found: (number | null)[] = [];
    for (let i = 0; i < ids.length; i += AT_ONCE) {
      const scores = await this.redis.zmscore(KEYS.ended, ...ids.slice(i, i + AT_ONCE));
      found.push(...scores.map((score) => (score === null ? null : Number(score))));
    }
    return found;
  }

  /**
   * Forgets a job, and notes that its files are to go.
   * @throws LedgerRefusal `wrong_state` (it hasn't ended), `changed_meanwhile`, `depended_on` (a pending job waits for it)
   */
  async forget({ id, endedAt }: EndedJob): Promise<void> {
    await this.run('forget', id, id, endedAt);
  }

  /** Writes down that a job's logs are gone, and notes them to go. @throws LedgerRefusal as above, `not_found` */
  async removeLogs({ id, endedAt }: EndedJob): Promise<void> {
    await this.run('remove_logs', id, id, endedAt);
  }

  /** What is noted to go. */
  async removals(): Promise<Removal[]> {
    return (await this.redis.smembers(KEYS.removals)).map((text) => {
      const [job = '', attempts] = text.split(' ');
      return { job: job as JobId, attempts: attempts === undefined ? null : Number(attempts) };
    });
  }

  /** They are gone. */
  async removed({ job, attempts }: Removal): Promise<void> {
    await this.redis.srem(KEYS.removals, attempts === null ? job : `${job} ${attempts}`);
  }
}

/** Whether a refusal says that somebody wants the job after all. */
export function isWanted(error: unknown): boolean {
  return (
    error instanceof LedgerRefusal &&
    ['wrong_state', 'changed_meanwhile', 'depended_on', 'not_found'].includes(error.code)
  );
}
