import { type Cause, type Group, type GroupId, type JobState, JobStateSchema } from '@berth/contract';
import type { Redis } from 'ioredis';
import { type Idempotency, keyArguments } from './idempotency.js';
import { KEYS } from './keys.js';
import type { Ledger } from './ledger.js';
import { LedgerRefusal } from './refusal.js';
import type { RunScript } from './scripts.js';
import { JOBS_ON_THE_WAY } from './submission.js';

/** The truth about jobs that were submitted together. */
export class GroupLedger {
  private readonly run: RunScript;
  private readonly redis: Redis;
  private readonly jobs: Pick<Ledger, 'stop'>;

  constructor(redis: Redis, run: RunScript, jobs: Pick<Ledger, 'stop'>) {
    this.redis = redis;
    this.run = run;
    this.jobs = jobs;
  }

  /**
   * Opens a group, for its jobs to be submitted.
   * @throws LedgerRefusal `idempotency_conflict`
   */
  async open(group: {
    id: GroupId;
    name: string;
    user: string;
    size: number;
    maxParallel: number | null;
    idempotency: Idempotency | null;
  }): Promise<{ id: GroupId; replayed: boolean }> {
    const { id, name, user, size, maxParallel, idempotency } = group;
    const { outcome, values } = await this.run(
      'open_group',
      id,
      id,
      name,
      size,
      ...keyArguments(idempotency),
      maxParallel ?? '',
      user,
    );
    return { id: values[0] as GroupId, replayed: outcome === 'replayed' };
  }

  /** A group with how many of its jobs are in each state, or null. @throws WrongLedger */
  async get(id: GroupId): Promise<Group | null> {
    const record = await this.redis.hgetall(KEYS.group(id));
    const [firstJob = ''] = await this.redis.zrange(KEYS.jobsOfGroup(id), '0', '0');
    const [first, itsUser] = await this.redis.hmget(KEYS.job(firstJob), 'number', 'user');
    // Last, for what was read of a ledger that is gone by now says nothing: this is refused then.
    const { values } = await this.run('count_group', id, id);
    if (record.id === undefined || !first) return null;
    const states = Object.fromEntries(JobStateSchema.options.map((state) => [state, 0]));
    for (let i = 0; i < values.length; i += 2) states[values[i] as JobState] = Number(values[i + 1]);
    return {
      id,
      name: record.name as string,
      // Groups of an older version say no user.
      user: record.user ?? (itsUser as string),
      size: Number(record.size),
      maxParallel: record.maxParallel ? Number(record.maxParallel) : null,
      submittedAt: new Date(Number(record.submittedAt)).toISOString(),
      states: states as Group['states'],
      firstJob,
      firstNumber: Number(first),
    };
  }

  /** Ends all jobs of a group before their time, the last ones first: so that none starts in the place of another. */
  async stop(id: GroupId, cause: Cause): Promise<void> {
    const ids = await this.redis.zrevrange(KEYS.jobsOfGroup(id), 0, -1);
    for (let i = 0; i < ids.length; i += JOBS_ON_THE_WAY) {
      const stopped = ids.slice(i, i + JOBS_ON_THE_WAY).map((job) => this.jobs.stop(job, 'cancelled', cause));
      for (const result of await Promise.allSettled(stopped)) {
        if (result.status === 'rejected' && !(result.reason instanceof LedgerRefusal)) throw result.reason;
      }
    }
  }
}
