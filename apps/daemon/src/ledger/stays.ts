import type { Cause, JobId } from '@berth/contract';
import type { Redis } from 'ioredis';
import { repliesTo } from '../redis/pipeline.js';
import { KEYS } from './keys.js';
import type { PlacedAttempt } from './record.js';

/** Of those that have ended since a moment, so many are looked at, and so many at a time. */
const MOST_LOOKED_AT = 20_000;
const STEP = 1000;

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
   * Attempts that ended within a stretch of time, the last one first. Times in ms since the epoch.
   * @param until inclusive
   */
  async ended(since: number, until: number, limit: number): Promise<StayReference[]> {
    const found = await this.redis.zrevrangebyscore(KEYS.stays, until, `(${since}`, 'LIMIT', 0, limit);
    return found.map(referenceOf);
  }

  /**
   * Attempts that had their devices at a moment and have ended since, the last one first.
   * @param at ms since the epoch
   * @returns null: so many have ended since then that they were not all looked at
   */
  async spanning(at: number): Promise<StayReference[] | null> {
    const found: StayReference[] = [];
    for (let offset = 0; offset < MOST_LOOKED_AT; offset += STEP) {
      const page = await this.redis.zrangebyscore(KEYS.stays, `(${at}`, '+inf', 'LIMIT', offset, STEP);
      const later = page.map(referenceOf);
      const begins = await this.begins(later);
      found.push(...later.filter((_, i) => (begins[i] ?? at) < at));
      if (page.length < STEP) return found.reverse();
    }
    return null;
  }

  /** When attempts were placed, in ms since the epoch; null where one is gone. */
  private async begins(stays: readonly StayReference[]): Promise<(number | null)[]> {
    const pipeline = this.redis.pipeline();
    for (const { job, attempt } of stays) pipeline.hget(KEYS.job(job), `attempt:${attempt}:placedAt`);
    const placed = await repliesTo<string | null>(pipeline);
    return placed.map((placedAt) => (placedAt === null ? null : Number(placedAt)));
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
    const replies = await repliesTo<(string | null)[]>(pipeline);
    return stays.flatMap((stay, i) => {
      return stayFrom(stay, replies[i] as (string | null)[]) ?? [];
    });
  }

  /** What jobs are called; null where one is gone. */
  async names(jobs: readonly JobId[]): Promise<(string | null)[]> {
    const pipeline = this.redis.pipeline();
    for (const job of jobs) pipeline.hget(KEYS.job(job), 'name');
    return repliesTo(pipeline);
  }
}

/** null: it is forgotten, or can't be read; the job is told of by those who read all of it. */
function stayFrom(stay: StayReference, reply: readonly (string | null)[]): RecordedStay | null {
  const [number, name, user, placed, from, until, cause] = reply;
  if (!placed || name == null || user == null || !Number(number) || !Number(from)) return null;
  try {
    const { devices } = JSON.parse(placed) as PlacedAttempt;
    return {
      ...stay,
      number: Number(number),
      name,
      user,
      devices: devices.map(({ uuid }) => uuid),
      from: Number(from),
      until: until ? Number(until) : null,
      cause: cause ? (JSON.parse(cause) as Cause).code : null,
    };
  } catch {
    return null;
  }
}

function referenceOf(member: string): StayReference {
  const [job, attempt] = member.split(' ');
  return { job: job as JobId, attempt: Number(attempt) };
}
