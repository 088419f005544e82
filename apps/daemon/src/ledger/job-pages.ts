import type { GroupId, Job, JobId, JobState, ScheduleId } from '@berth/contract';
import type { Redis } from 'ioredis';
import { repliesTo } from '../redis/pipeline.js';
import { KEYS } from './keys.js';
import type { JobRecord } from './record.js';
import type { RunScript } from './scripts.js';
import type { StoredJobs } from './stored-jobs.js';

/** How many jobs one page looks at, where a filter has no index: what bounds its cost. */
const MOST_LOOKED_AT = 2000;
const STEP = 500;
/** By so much a host's clock may have been set back between two submissions. */
const CLOCK_SLACK_MS = 3_600_000;

/** Which jobs are wanted; all conditions have to hold. */
export interface JobFilter {
  /** Any of these; empty: all. */
  states?: readonly JobState[];
  group?: GroupId | null;
  schedule?: ScheduleId | null;
  user?: string | null;
  /** Somewhere in the name, in small or large letters. */
  name?: string | null;
  /** null as a value: any. */
  labels?: readonly { name: string; value: string | null }[];
  /** UUID of a device that one of its attempts had. */
  device?: string | null;
  /** Submitted not before, in ms since the epoch. */
  since?: number | null;
  /** Submitted before, in ms since the epoch. */
  until?: number | null;
}

interface Place {
  id: JobId;
  number: number;
}

/**
 * Lists jobs page by page, newest first. States, groups and schedules have an index, and times are found by halving; what
 * else is asked for is looked up job by job, so many a page at the most: a page may come out short and still have a next one.
 */
export class JobPages {
  private readonly redis: Redis;
  private readonly run: RunScript;
  private readonly jobs: StoredJobs;

  constructor(redis: Redis, run: RunScript, jobs: StoredJobs) {
    this.redis = redis;
    this.run = run;
    this.jobs = jobs;
  }

  /**
   * @param before only jobs with a smaller number
   * @returns the jobs, and from which number to read on; null: there are no more
   */
  async page(
    filter: JobFilter,
    { limit, before }: { limit: number; before: number | null },
  ): Promise<{ jobs: Job[]; next: number | null }> {
    const indexes = indexesFor(filter);
    const checks = checksFor(filter, indexes);
    const until = filter.until == null ? null : await this.firstSince(filter.until + CLOCK_SLACK_MS);
    const oldest = filter.since == null ? null : await this.firstSince(filter.since - CLOCK_SLACK_MS);
    if (filter.since != null && oldest === null) return { jobs: [], next: null };
    const lowest = oldest === null ? '-inf' : String(oldest);
    const step = checks.length === 0 ? limit + 1 : Math.min(STEP, MOST_LOOKED_AT);

    const found: Place[] = [];
    let newest = Math.min(before ?? Number.POSITIVE_INFINITY, until ?? Number.POSITIVE_INFINITY);
    for (let looked = 0; looked < MOST_LOOKED_AT; looked += step) {
      const places = await this.places(indexes, newest, lowest, step);
      found.push(...(checks.length === 0 ? places : await this.sift(places, checks)));
      newest = places.at(-1)?.number ?? newest;
      if (found.length > limit) {
        const shown = found.slice(0, limit);
        return { jobs: await this.read(shown, filter), next: (shown.at(-1) as Place).number };
      }
      if (places.length < step) return { jobs: await this.read(found, filter), next: null };
    }
    return { jobs: await this.read(found, filter), next: newest };
  }

  /** Those that went on to another state meanwhile are left out. */
  private async read(places: readonly Place[], { states = [] }: JobFilter): Promise<Job[]> {
    const jobs = await this.jobs.jobsOf(places.map(({ id }) => id));
    return states.length === 0 ? jobs : jobs.filter(({ state }) => states.includes(state));
  }

  private async sift(places: readonly Place[], checks: readonly Check[]): Promise<Place[]> {
    const hashes = await this.jobs.hashes(places.map(({ id }) => id));
    return places.filter((_, i) => passes(hashes[i] as JobRecord, checks));
  }

  /** The next places of several indexes together, read in one moment so that a job that moves is in just one. */
  private async places(
    indexes: readonly string[],
    newest: number,
    lowest: string,
    count: number,
  ): Promise<Place[]> {
    const highest = Number.isFinite(newest) ? `(${newest}` : '+inf';
    const transaction = this.redis.multi();
    for (const index of indexes)
      transaction.zrevrangebyscore(index, highest, lowest, 'WITHSCORES', 'LIMIT', 0, count);
    const places = (await repliesTo<string[]>(transaction)).flatMap((flat) =>
      Array.from({ length: flat.length / 2 }, (_, i) => ({
        id: flat[2 * i] as JobId,
        number: Number(flat[2 * i + 1]),
      })),
    );
    if (indexes.length > 1) places.sort((one, other) => other.number - one.number);
    return places.slice(0, count);
  }

  private async firstSince(time: number): Promise<number | null> {
    const { values } = await this.run('first_since', 'jobs', Math.floor(time));
    return values[0] ? Number(values[0]) : null;
  }
}

/** Whether a job is one of those that are wanted. */
export const fits = (record: JobRecord, filter: JobFilter): boolean =>
  passes(record, checksFor(filter, [KEYS.jobs]));

type Check = (record: JobRecord) => boolean;

/** Of what a job can't be asked for, since it can't be read, it has nothing. */
function passes(record: JobRecord, checks: readonly Check[]): boolean {
  try {
    return checks.every((check) => check(record));
  } catch {
    return false;
  }
}

function indexesFor({ group, schedule, states = [] }: JobFilter): string[] {
  if (group) return [KEYS.jobsOfGroup(group)];
  if (schedule) return [KEYS.jobsOfSchedule(schedule)];
  return states.length > 0 ? [...new Set(states)].map(KEYS.inState) : [KEYS.jobs];
}

/** What no index answers. */
function checksFor(filter: JobFilter, indexes: readonly string[]): Check[] {
  const { states = [], user, name, labels = [], device, since, until, group, schedule } = filter;
  const checks: Check[] = [];
  const indexed = indexes.every((index) => states.some((state) => index === KEYS.inState(state)));
  if (states.length > 0 && !indexed)
    checks.push((record) => (states as string[]).includes(record.state as string));
  if (group && schedule) checks.push(() => false);
  if (user) checks.push((record) => record.user === user);
  if (name) {
    const wanted = name.toLowerCase();
    checks.push((record) => (record.name as string).toLowerCase().includes(wanted));
  }
  if (since != null) checks.push((record) => Number(record.submittedAt) >= since);
  if (until != null) checks.push((record) => Number(record.submittedAt) < until);
  if (device) {
    checks.push((record) => {
      const attempts = Array.from({ length: Number(record.attempt) }, (_, i) => record[`attempt:${i + 1}`]);
      return attempts.some((placed) => placed?.includes(`"${device}"`));
    });
  }
  if (labels.length > 0) {
    checks.push((record) => {
      const own = (JSON.parse(record.spec as string) as { labels: Record<string, string> }).labels;
      return labels.every(
        ({ name: label, value }) => Object.hasOwn(own, label) && (value === null || own[label] === value),
      );
    });
  }
  return checks;
}
