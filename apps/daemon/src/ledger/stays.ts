import type { Cause, JobId } from '@berth/contract';
import type { Redis } from 'ioredis';
import { KEYS } from './keys.js';
import type { PlacedAttempt } from './record.js';

/** An attempt. */
export interface StayReference {
  job: JobId;
  attempt: number;
}

/** An attempt on its devices. Times in ms since the epoch. */
export interface RecordedStay extends StayReference {
  number: number;
  name: string;
  user: string;
  devices: string[];
  from: number;
  /** null: it has them still. */
  until: number | null;
  cause: Cause['code'] | null;
}

/** Who had which devices when. Attempts that end are written to its index. */
export class StayLedger {
  private readonly redis: Redis;

  constructor(redis: Redis) {
    this.redis = redis;
  }

  /**
   * Attempts that ended, the last one first.
   * @param since ms since the epoch
   */
  async ended(since: number, limit: number): Promise<StayReference[]> {
    const found = await this.redis.zrevrangebyscore(KEYS.stays, '+inf', `(${since}`, 'LIMIT', 0, limit);
    return found.map((text) => {
      const [job, attempt] = text.split(' ');
      return { job: job as JobId, attempt: Number(attempt) };
    });
  }

  /** What the ledger has of attempts, in their order; without those that it has forgotten. */
  async read(stays: readonly StayReference[]): Promise<RecordedStay[]> {
    const pipeline = this.redis.pipeline();
    for (const { job, attempt } of stays) {
      const field = `attempt:${attempt}`;
      pipeline.hmget(
        KEYS.job(job),
        'number',
        'name',
        'user',
        field,
        `${field}:placedAt`,
        `${field}:endedAt`,
        `${field}:cause`,
      );
    }
    const replies = (await pipeline.exec()) ?? [];
    return stays.flatMap((stay, i) => {
      const [error, reply] = replies[i] as [Error | null, (string | null)[]];
      if (error) throw error;
      const [number, name, user, placed, from, until, cause] = reply;
      if (!placed) return [];
      const { devices } = JSON.parse(placed) as PlacedAttempt;
      return {
        ...stay,
        number: Number(number),
        name: name as string,
        user: user as string,
        devices: devices.map(({ uuid }) => uuid),
        from: Number(from),
        until: until ? Number(until) : null,
        cause: cause ? (JSON.parse(cause) as Cause).code : null,
      };
    });
  }

  /** What jobs are called; null where one is gone. */
  async names(jobs: readonly JobId[]): Promise<(string | null)[]> {
    const pipeline = this.redis.pipeline();
    for (const job of jobs) pipeline.hget(KEYS.job(job), 'name');
    return ((await pipeline.exec()) ?? []).map(([error, name]) => {
      if (error) throw error;
      return name as string | null;
    });
  }
}
