import {
  type Job,
  type JobId,
  type JobState,
  JobStateSchema,
  type PendingReason,
  type Task,
} from '@berth/contract';
import type { Redis } from 'ioredis';
import { repliesTo } from '../redis/pipeline.js';
import { DamagedRecord, type Damages, damageOf, isThere, readJob } from './damage.js';
import { holdersFrom, holdersIn } from './devices.js';
import { KEYS } from './keys.js';
import { type JobRecord, placedAttempt } from './record.js';
import type { TaskReference } from './task-reference.js';

/** Jobs as they are stored, and those that can't be read. */
export interface SiftedJobs {
  sound: JobRecord[];
  damaged: DamagedRecord[];
}

/** Jobs as the ledger has them, to be read. */
export class StoredJobs {
  protected readonly redis: Redis;
  private readonly damages: Damages;

  /** @param damages is told of what can't be read */
  constructor(redis: Redis, damages: Damages) {
    this.redis = redis;
    this.damages = damages;
  }

  /** The id behind a number that people type, or null. */
  async idOfNumber(number: string): Promise<JobId | null> {
    return await this.redis.hget(KEYS.numbers, number);
  }

  /** Whose job it is; null: there is no such job. */
  async owner(id: JobId): Promise<string | null> {
    return await this.redis.hget(KEYS.job(id), 'user');
  }

  /** A job's hash as it is stored, or null. */
  async record(id: JobId): Promise<JobRecord | null> {
    const record = await this.redis.hgetall(KEYS.job(id));
    return record.id === undefined ? null : record;
  }

  /** Many jobs' hashes in one trip; those that don't exist, or can't be read, are left out. */
  async records(ids: readonly JobId[]): Promise<JobRecord[]> {
    return (await this.sifted(ids)).sound;
  }

  /** Many jobs' hashes in one trip, and which of them can't be read; those that don't exist are left out. */
  async sifted(ids: readonly JobId[]): Promise<SiftedJobs> {
    const hashes = await this.hashes(ids);
    const found = ids.map((id, i) => {
      const record = hashes[i] as JobRecord;
      if (!isThere(record)) return [id, null] as const;
      const why = damageOf(id, record);
      return [id, why === null ? record : new DamagedRecord('job', id, why)] as const;
    });
    const damaged = found.flatMap(([, each]) => (each instanceof DamagedRecord ? each : []));
    return { sound: this.damages.sift('job', found), damaged };
  }

  /** Jobs' hashes, in their order and whatever they hold; empty where there is no such job. */
  async hashes(ids: readonly JobId[]): Promise<JobRecord[]> {
    const pipeline = this.redis.pipeline();
    for (const id of ids) pipeline.hgetall(KEYS.job(id));
    return repliesTo<JobRecord>(pipeline);
  }

  /** @throws DamagedRecord */
  async job(id: JobId): Promise<Job | null> {
    const [found] = await this.read([id]);
    return this.damages.demand('job', id, found?.[1] ?? null);
  }

  /** Many jobs in one trip; those that don't exist, or can't be read, are left out. */
  async jobsOf(ids: readonly JobId[]): Promise<Job[]> {
    return this.damages.sift('job', await this.read(ids));
  }

  /** Ids of the jobs in a state, oldest first. */
  async idsInState(state: JobState): Promise<JobId[]> {
    return await this.redis.zrangebyscore(KEYS.inState(state), '-inf', '+inf');
  }

  /** How many jobs are in each state. */
  async counts(): Promise<Map<JobState, number>> {
    const states = JobStateSchema.options;
    const counts = await Promise.all(states.map((state) => this.redis.zcard(KEYS.inState(state))));
    return new Map(states.map((state, i) => [state, counts[i] as number]));
  }

  /**
   * The tasks that the worker of a device is responsible for and that haven't ended, with their jobs; and the jobs on it
   * that can't be read.
   */
  async openTasks(device: string): Promise<{
    tasks: { task: TaskReference; state: Task['state']; record: JobRecord }[];
    damaged: DamagedRecord[];
  }> {
    const holders = holdersIn((await this.redis.hget(KEYS.allocations, device)) ?? '');
    const { sound, damaged } = await this.sifted(holders.map(({ job }) => job));
    const tasks = sound.flatMap((record) => {
      const job = record.id as JobId;
      const attempt = holders.find((holder) => holder.job === job)?.attempt as number;
      return placedAttempt(record, attempt)
        .tasks.filter(({ devices }) => devices[0] === device)
        .map(({ rank }) => ({
          task: { job, attempt, rank },
          state: record[`task:${attempt}:${rank}:state`] as Task['state'],
          record,
        }))
        .filter(({ state }) => state !== 'ended');
    });
    return { tasks, damaged };
  }

  /** The jobs that hold devices. */
  async holding(): Promise<SiftedJobs> {
    const holders = [...holdersFrom(await this.redis.hgetall(KEYS.allocations)).values()].flat();
    return this.sifted([...new Set(holders.map(({ job }) => job))]);
  }

  private async read(ids: readonly JobId[]): Promise<[JobId, Job | DamagedRecord | null][]> {
    const hashes = await this.hashes(ids);
    const found = ids.map((id, i) => ({ id, record: hashes[i] as JobRecord }));
    const pipeline = this.redis.pipeline();
    const pending = found.filter(({ record }) => record.state === 'pending');
    for (const { id, record } of pending) {
      pipeline.zrank(KEYS.queue, id);
      pipeline.hget(KEYS.reasons, record.shape as string);
    }
    const replies = await repliesTo(pipeline);
    const waiting = new Map(
      pending.map(({ id }, i) => {
        const [rank, reason] = replies.slice(2 * i, 2 * i + 2) as [number | null, string | null];
        return [
          id,
          {
            position: rank === null ? null : rank + 1,
            reason: reason ? (JSON.parse(reason) as PendingReason) : null,
          },
        ];
      }),
    );
    return found.map(({ id, record }) => [
      id,
      isThere(record) ? readJob(id, record, waiting.get(id) ?? { position: null, reason: null }) : null,
    ]);
  }
}
