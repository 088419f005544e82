import { userInfo } from 'node:os';
import {
  type Job,
  type JobId,
  type JobSubmission,
  type Schedule,
  type ScheduleId,
  ScheduleSchema,
  type Skip,
  shownWebhook,
} from '@berth/contract';
import type { Redis } from 'ioredis';
import { repliesTo } from '../redis/pipeline.js';
import { type DamagedRecord, Damages, issueIn, isThere, readRecord } from './damage.js';
import { type Idempotency, keyArguments } from './idempotency.js';
import { KEYS } from './keys.js';
import { LedgerRefusal } from './refusal.js';
import { loadScripts, type RunScript } from './scripts.js';
import { type NewJob, submissionArguments, takenJob } from './submission.js';

/** What of a schedule never changes. */
export interface SchedulePlan {
  cron: string;
  timeZone: string;
  job: JobSubmission;
  overlap: 'skip' | 'allow';
  catchUp: boolean;
}

export interface NewSchedule {
  id: ScheduleId;
  name: string;
  plan: SchedulePlan;
  /** ms since the epoch; null: paused. */
  nextRun: number | null;
  idempotency: Idempotency | null;
}

/** A schedule as it is stored. Times in ms since the epoch. */
export interface ScheduleRecord {
  id: ScheduleId;
  name: string;
  plan: SchedulePlan;
  createdAt: number;
  /** null: paused. */
  nextRun: number | null;
  lastRun: { at: number; job?: JobId; number?: number; skipped?: Skip } | null;
  runs: number;
}

/** One time of a schedule that has come: what was read, and the time after it. */
export interface DueTime {
  id: ScheduleId;
  at: number;
  /** The schedule's next time as it was read; if it is another one now, somebody else has dealt with this. */
  expected: number;
  upcoming: number;
}

/** The truth about schedules: beside the jobs, and changed by the same kind of transitions. */
export class ScheduleLedger {
  private readonly run: RunScript;
  private readonly redis: Redis;
  private readonly damages: Damages;

  /** @param damages is told of what can't be read */
  constructor(redis: Redis, damages = new Damages()) {
    this.redis = redis;
    this.run = loadScripts(redis);
    this.damages = damages;
  }

  /**
   * Takes a new schedule.
   * @returns its id, or that of an earlier one that was sent with the same Idempotency-Key
   * @throws LedgerRefusal `idempotency_conflict`
   */
  async create(schedule: NewSchedule): Promise<{ id: ScheduleId; replayed: boolean }> {
    const { id, name, plan, nextRun, idempotency } = schedule;
    const { outcome, values } = await this.run(
      'create_schedule',
      id,
      id,
      name,
      JSON.stringify(plan),
      nextRun ?? '',
      ...keyArguments(idempotency),
    );
    return { id: values[0] as ScheduleId, replayed: outcome === 'replayed' };
  }

  /** Lets a schedule run from a time on, or pauses it (null). @throws LedgerRefusal `not_found` */
  async enable(id: ScheduleId, nextRun: number | null): Promise<void> {
    await this.run('enable_schedule', id, id, nextRun ?? '');
  }

  /** Removes a schedule; its jobs stay. @throws LedgerRefusal `not_found` */
  async delete(id: ScheduleId): Promise<void> {
    await this.run('delete_schedule', id, id);
  }

  /**
   * Submits the job of a time that has come.
   * @returns null where an earlier job has not ended and the schedule wants no two at once
   * @throws LedgerRefusal as `Ledger.submit` does, and `not_found`, `wrong_state` (paused), `changed_meanwhile` for a time that is dealt with
   */
  async runDue(due: DueTime, overlap: SchedulePlan['overlap'], job: NewJob): Promise<Job | null> {
    const { id, at, expected, upcoming } = due;
    const mayOverlap = overlap === 'allow' ? 1 : '';
    const argv = [at, expected, upcoming, mayOverlap, ...submissionArguments(job)];
    const { values } = await this.run('run_schedule', id, id, ...argv);
    return values[0] === 'skipped' ? null : takenJob(job, values);
  }

  /**
   * Submits the schedule's job now, whatever else runs; its times stay as they are.
   * @returns the id of the job, or of an earlier one that was asked for with the same Idempotency-Key
   * @throws LedgerRefusal as `Ledger.submit` does
   */
  async runNow(id: ScheduleId, at: number, job: NewJob): Promise<{ id: JobId; replayed: boolean }> {
    const { outcome, values } = await this.run(
      'run_schedule',
      id,
      id,
      at,
      '',
      '',
      '',
      ...submissionArguments(job),
    );
    return { id: values[0] as JobId, replayed: outcome === 'replayed' };
  }

  /** Writes down that no job comes of a time. @throws LedgerRefusal `not_found`, `wrong_state`, `changed_meanwhile` */
  async skip({ id, at, expected, upcoming }: DueTime, { code, sentence }: Skip): Promise<void> {
    await this.run('skip_run', id, id, at, expected, upcoming, code, sentence);
  }

  /** Sets the next time anew, because the clock was set. @throws LedgerRefusal as `skip` does */
  async reschedule(id: ScheduleId, expected: number, upcoming: number): Promise<void> {
    await this.run('reschedule', id, id, expected, upcoming);
  }

  /** A schedule as it is stored, or null. @throws DamagedRecord */
  async record(id: ScheduleId): Promise<ScheduleRecord | null> {
    const [found] = await this.read([id]);
    return this.damages.demand('schedule', id, found?.[1] ?? null);
  }

  /** The ids of all schedules, oldest first. */
  async ids(): Promise<ScheduleId[]> {
    return await this.redis.zrange(KEYS.schedules, '0', '-1');
  }

  /** All schedules, oldest first; those that can't be read are left out. */
  async all(): Promise<ScheduleRecord[]> {
    return this.damages.sift('schedule', await this.read(await this.ids()));
  }

  private async read(
    ids: readonly ScheduleId[],
  ): Promise<[ScheduleId, ScheduleRecord | DamagedRecord | null][]> {
    const pipeline = this.redis.pipeline();
    for (const id of ids) pipeline.hgetall(KEYS.schedule(id));
    const hashes = await repliesTo<Record<string, string>>(pipeline);
    return hashes.map((hash, i) => {
      const id = ids[i] as ScheduleId;
      return [id, isThere(hash) ? readSchedule(id, hash) : null];
    });
  }
}

/** Whether a refusal says that somebody else has dealt with a time, or that nobody wants it any more. */
export function isDealtWith(error: unknown): boolean {
  return (
    error instanceof LedgerRefusal &&
    ((error.code === 'not_found' && error.found.length === 0) ||
      error.code === 'wrong_state' ||
      error.code === 'changed_meanwhile')
  );
}

/** The schedule that a record holds, as the API shows it. */
export function scheduleFromRecord({ plan, lastRun, ...record }: ScheduleRecord): Schedule {
  // Those of an older version may say no user: their jobs are the daemon's.
  const user = plan.job.user ?? userInfo().username;
  return {
    id: record.id,
    name: record.name,
    user,
    ...plan,
    // Secrets are for whom they are sent to.
    job: { ...plan.job, notify: (plan.job.notify ?? []).map(shownWebhook) },
    enabled: record.nextRun !== null,
    createdAt: new Date(record.createdAt).toISOString(),
    nextRun: record.nextRun === null ? null : new Date(record.nextRun).toISOString(),
    lastRun: lastRun && {
      at: new Date(lastRun.at).toISOString(),
      job: lastRun.job ?? null,
      number: lastRun.number ?? null,
      skipped: lastRun.skipped ?? null,
    },
    runs: record.runs,
  };
}

/** A schedule that is there. */
export function readSchedule(id: ScheduleId, hash: Record<string, string>): ScheduleRecord | DamagedRecord {
  return readRecord(
    'schedule',
    { id, own: hash.id },
    () => recordFromHash(hash),
    (record) => issueIn(ScheduleSchema, scheduleFromRecord(record)),
  );
}

function recordFromHash(hash: Record<string, string>): ScheduleRecord {
  return {
    id: hash.id as ScheduleId,
    name: hash.name as string,
    plan: JSON.parse(hash.plan as string) as SchedulePlan,
    createdAt: Number(hash.createdAt),
    nextRun: hash.nextRun ? Number(hash.nextRun) : null,
    lastRun: hash.lastRun ? (JSON.parse(hash.lastRun) as ScheduleRecord['lastRun']) : null,
    runs: Number(hash.runs),
  };
}
