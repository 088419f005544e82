import {
  type Cause,
  type Group,
  type GroupId,
  GroupSchema,
  type JobState,
  JobStateSchema,
} from '@berth/contract';
import type { Redis } from 'ioredis';
import { type DamagedRecord, type Damages, issueIn, isThere, readRecord } from './damage.js';
import { type Idempotency, keyArguments } from './idempotency.js';
import { KEYS } from './keys.js';
import type { Ledger } from './ledger.js';
import { LedgerRefusal } from './refusal.js';
import type { RunScript } from './scripts.js';
import { JOBS_ON_THE_WAY } from './submission.js';
import { whyUnavailable } from './unavailable.js';

/** The truth about jobs that were submitted together. */
export class GroupLedger {
  private readonly run: RunScript;
  private readonly redis: Redis;
  private readonly jobs: Pick<Ledger, 'stop'>;
  private readonly damages: Damages;

  constructor(redis: Redis, run: RunScript, jobs: Pick<Ledger, 'stop'>, damages: Damages) {
    this.redis = redis;
    this.run = run;
    this.jobs = jobs;
    this.damages = damages;
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

  /** A group with how many of its jobs are in each state, or null. @throws DamagedRecord, WrongLedger */
  async get(id: GroupId): Promise<Group | null> {
    const hash = await this.redis.hgetall(KEYS.group(id));
    const [firstJob = '', firstNumber] = await this.redis.zrange(
      KEYS.jobsOfGroup(id),
      '0',
      '0',
      'WITHSCORES',
    );
    const itsUser = await this.redis.hget(KEYS.job(firstJob), 'user');
    // Last, for what was read of a ledger that is gone by now says nothing: this is refused then.
    const { values } = await this.run('count_group', id, id);
    const there = isThere(hash) && firstJob !== '' ? readGroup(id, hash) : null;
    const group = this.damages.demand('group', id, there);
    if (!group) return null;
    const states = Object.fromEntries(JobStateSchema.options.map((state) => [state, 0]));
    for (let i = 0; i < values.length; i += 2)
      if ((values[i] as string) in states) states[values[i] as JobState] = Number(values[i + 1]);
    return {
      ...group,
      // Groups of an older version say no user.
      user: hash.user ?? (itsUser as string),
      states: states as Group['states'],
      firstJob,
      firstNumber: Number(firstNumber),
    };
  }

  /**
   * Ends all jobs of a group before their time, the last ones first: so that none starts in the place of another.
   * @throws the first failure, once all others were told; at once where the ledger can't be asked
   */
  async stop(id: GroupId, cause: Cause): Promise<void> {
    const failures: unknown[] = [];
    const ids = await this.redis.zrevrange(KEYS.jobsOfGroup(id), 0, -1);
    for (let i = 0; i < ids.length; i += JOBS_ON_THE_WAY) {
      const stopped = ids.slice(i, i + JOBS_ON_THE_WAY).map((job) => this.jobs.stop(job, 'cancelled', cause));
      for (const result of await Promise.allSettled(stopped)) {
        if (result.status === 'fulfilled' || result.reason instanceof LedgerRefusal) continue;
        if (whyUnavailable(result.reason as Error)) throw result.reason;
        failures.push(result.reason);
      }
    }
    if (failures.length > 0) throw failures[0];
  }
}

const GroupHeadSchema = GroupSchema.pick({
  name: true,
  size: true,
  maxParallel: true,
  submittedAt: true,
});
type GroupHead = Pick<Group, 'id' | keyof typeof GroupHeadSchema.shape>;

/** What a group that is there says of itself. */
export function readGroup(id: GroupId, hash: Record<string, string>): GroupHead | DamagedRecord {
  return readRecord(
    'group',
    { id, own: hash.id },
    () => ({
      id,
      name: hash.name as string,
      size: Number(hash.size),
      maxParallel: hash.maxParallel ? Number(hash.maxParallel) : null,
      submittedAt: new Date(Number(hash.submittedAt)).toISOString(),
    }),
    (group) => issueIn(GroupHeadSchema, group),
  );
}
