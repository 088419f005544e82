import type {
  Drill,
  Explanation,
  Job,
  JobChangeInput,
  JobList,
  JobMetrics,
  JobState,
  JobSubmissionInput,
} from '@berth/contract';
import { isEnded } from '@berth/contract/state-groups';
import { backoff, sleep, WATCH_RETRY_SECONDS } from './backoff.js';
import type { PastOptions } from './devices.js';
import { BerthProblem, BerthTimeout } from './errors.js';
import { readLog } from './log.js';
import type { Transport } from './transport.js';

const PAGE_JOBS = 100;
/** The daemon answers a wait after so long at the latest: less than proxies bear with. */
const LONG_POLL_SECONDS = 30;
const ANSWER_SECONDS = 15;
/** A drill waits for the job's grace period, at most 4 minutes. */
const DRILL_SECONDS = 270;

/** A job's id, its number, or the job itself. */
export type JobReference = string | number | Pick<Job, 'id'>;

export interface RequestOptions {
  /** Ends the call; it throws the signal's reason. */
  signal?: AbortSignal | undefined;
  /** How long the call may take, what is tried again included. Default: the client's. */
  timeoutSeconds?: number | undefined;
}

export interface SubmitOptions extends RequestOptions {
  /** The same key with the same call, within a day, gives what was made first instead of another. Default: a new one. */
  idempotencyKey?: string | undefined;
}

export interface PageOptions extends RequestOptions {
  /** Any of these. */
  state?: JobState | readonly JobState[] | undefined;
  user?: string | undefined;
  /** Somewhere in the name, in small or large letters. */
  name?: string | undefined;
  /** All of these: `name=value`, or a name alone for any value. */
  label?: string | readonly string[] | undefined;
  /** A device that an attempt had: its UUID, or its index. */
  device?: string | number | undefined;
  /** Submitted at this time (RFC 3339) or later, or at most so long ago (`"1d"`). */
  since?: string | undefined;
  /** Submitted before; likewise. */
  until?: string | undefined;
  /** Only jobs that were submitted together. */
  group?: string | undefined;
  /** Only jobs that came of this schedule. */
  schedule?: string | undefined;
  /** At most 1000. */
  limit?: number | undefined;
  /** The `nextCursor` of the page before. */
  cursor?: string | undefined;
}

export interface WaitOptions extends RequestOptions {
  /** How long to wait in all. Default: for ever. */
  timeoutSeconds?: number | undefined;
}

export interface LogOptions extends RequestOptions {
  /** Whose output; default 0. */
  rank?: number | undefined;
  /** Default: both, in the order in which they came. */
  stream?: 'stdout' | 'stderr' | undefined;
  /** Only the last lines. */
  tail?: number | undefined;
  /** Only what comes after this many bytes of the log. */
  offset?: number | undefined;
  /** Default: the current one. */
  attempt?: number | undefined;
  /** Goes on until the job has ended. */
  follow?: boolean | undefined;
}

/** What can be done with jobs. */
export class Jobs {
  private readonly transport: Transport;

  constructor(transport: Transport) {
    this.transport = transport;
  }

  /**
   * Submits a job. Once this resolves the job is on disk and will not be lost. A lost answer is asked for again with
   * the same idempotency key, so that there is one job, not two.
   */
  submit(job: JobSubmissionInput, options: SubmitOptions = {}): Promise<Job> {
    return this.transport.json({ method: 'POST', makes: true, path: '/v1/jobs', body: job, ...options });
  }

  /** What would become of a job if it were submitted now. Submits nothing. */
  dryRun(job: JobSubmissionInput, options: RequestOptions = {}): Promise<Explanation> {
    return this.transport.json({
      method: 'POST',
      path: '/v1/jobs',
      query: { dryRun: true },
      body: job,
      ...options,
    });
  }

  /** What a job waits for, every device with why not, and when it starts at the latest. */
  explain(job: JobReference, options: RequestOptions = {}): Promise<Explanation> {
    return this.transport.json({ path: `${pathOf(job)}/explain`, ...options });
  }

  /** One job, with its attempts and tasks. */
  get(job: JobReference, options: RequestOptions = {}): Promise<Job> {
    return this.transport.json({ path: pathOf(job), ...options });
  }

  /** One job, and the ETag of it as it is: for `change`. */
  async getTagged(job: JobReference, options: RequestOptions = {}): Promise<{ job: Job; etag: string }> {
    const { value, etag } = await this.transport.tagged<Job>({ path: pathOf(job), ...options });
    return { job: value, etag };
  }

  /** One page of jobs, newest first. */
  page({ signal, timeoutSeconds, ...query }: PageOptions = {}): Promise<JobList> {
    return this.transport.json({ path: '/v1/jobs', query: { ...query }, signal, timeoutSeconds });
  }

  /** Jobs, newest first, page after page as they are taken; `limit` is the most there are of them in all. */
  async *list({
    limit = Number.POSITIVE_INFINITY,
    signal,
    timeoutSeconds,
    ...filters
  }: Omit<PageOptions, 'cursor'> = {}): AsyncGenerator<Job, void, undefined> {
    let left = limit;
    let cursor: string | undefined;
    while (left > 0) {
      const page = await this.page({
        ...filters,
        limit: Math.min(left, PAGE_JOBS),
        cursor,
        signal,
        timeoutSeconds,
      });
      yield* page.items;
      left -= page.items.length;
      if (page.nextCursor === null) return;
      cursor = page.nextCursor;
    }
  }

  /**
   * Cancels a job: one that waits ends at once, a running one gets SIGTERM, then SIGKILL after its grace period.
   * Resolves when the daemon has taken the wish; `wait` tells when the job has ended. Cancelling twice is fine.
   * @throws BerthProblem `conflict` when it has ended otherwise
   */
  cancel(job: JobReference, options: RequestOptions = {}): Promise<Job> {
    return this.transport.json({ method: 'POST', path: `${pathOf(job)}/cancel`, ...options });
  }

  /** Keeps a waiting job from starting. @throws BerthProblem `conflict` unless it waits */
  hold(job: JobReference, options: RequestOptions = {}): Promise<Job> {
    return this.transport.json({ method: 'POST', path: `${pathOf(job)}/hold`, ...options });
  }

  /** Lets a held job go. @throws BerthProblem `conflict` unless it waits */
  release(job: JobReference, options: RequestOptions = {}): Promise<Job> {
    return this.transport.json({ method: 'POST', path: `${pathOf(job)}/release`, ...options });
  }

  /**
   * Gives a job a new attempt: one that has ended waits again, one that runs is stopped first.
   * @throws BerthProblem `conflict` when it waits already
   */
  requeue(job: JobReference, options: RequestOptions = {}): Promise<Job> {
    return this.transport.json({ method: 'POST', makes: true, path: `${pathOf(job)}/requeue`, ...options });
  }

  /**
   * Sends a running job its checkpoint signal, and resolves with what it made of it: at the latest after its grace period, or
   * after 4 minutes with `finished: false`; then call it again to join.
   * @throws BerthProblem `conflict` unless it runs and knows such a signal
   */
  drill(job: JobReference, options: RequestOptions = {}): Promise<Drill> {
    return this.transport.json({
      method: 'POST',
      path: `${pathOf(job)}/drill`,
      makes: true,
      timeoutSeconds: DRILL_SECONDS,
      ...options,
    });
  }

  /**
   * Changes priority, time limit or labels.
   * @param options.ifMatch what `getTagged` gave with it: only where it is still as it was then
   * @throws BerthProblem `conflict` when it has ended, `precondition_failed`
   */
  change(
    job: JobReference,
    change: JobChangeInput,
    { ifMatch, ...options }: RequestOptions & { ifMatch?: string | undefined } = {},
  ): Promise<Job> {
    const headers = ifMatch === undefined ? {} : { 'if-match': ifMatch };
    return this.transport.json({ method: 'PATCH', path: pathOf(job), body: change, headers, ...options });
  }

  /**
   * Waits until a job has ended, also past a restart of the daemon. The daemon says when: nothing is polled.
   * @throws BerthTimeout when that takes longer than `timeoutSeconds`
   */
  async wait(job: JobReference, { signal, timeoutSeconds }: WaitOptions = {}): Promise<Job> {
    const deadline = performance.now() + (timeoutSeconds ?? Number.POSITIVE_INFINITY) * 1000;
    let found = await this.get(job, { signal, timeoutSeconds });
    const pauses = backoff(50, 1000);
    while (!isEnded(found.state)) {
      const left = (deadline - performance.now()) / 1000;
      if (left <= 0) {
        throw new BerthTimeout(
          `job ${found.number} is still ${found.state} after ${timeoutSeconds} s; it goes on`,
        );
      }
      const wait = Math.min(left, LONG_POLL_SECONDS);
      const asked = performance.now();
      const call = {
        path: pathOf(found),
        query: { wait, until: 'ended' },
        signal,
        timeoutSeconds: left,
        tryTimeoutSeconds: wait + ANSWER_SECONDS,
        retrySeconds: WATCH_RETRY_SECONDS,
      };
      found = await this.transport.json<Job>(call).catch((error: unknown) => {
        // Who waits can wait for that, too.
        if (error instanceof BerthProblem && error.code === 'too_many_followers') return found;
        if (error instanceof BerthTimeout) return found;
        throw error;
      });
      // Something between here and the daemon that doesn't wait shall not be asked without end.
      const isHasty = !isEnded(found.state) && performance.now() - asked < (wait * 1000) / 2;
      if (isHasty) await sleep(pauses.next().value, signal);
    }
    return found;
  }

  /** What the job used of its devices over time, how far its training is, and its curves. */
  metrics(
    job: JobReference,
    {
      signal,
      timeoutSeconds,
      names,
      ...query
    }: PastOptions & { rank?: number; attempt?: number; names?: readonly string[]; points?: number } = {},
  ): Promise<JobMetrics> {
    const wanted = { ...query, ...(names ? { names: names.join(',') } : {}) };
    return this.transport.json({ path: `${pathOf(job)}/metrics`, query: wanted, signal, timeoutSeconds });
  }

  /** What a task has written so far, from its first byte on; the answer's body is still to come. */
  openLog(
    job: JobReference,
    { rank, attempt, signal }: Pick<LogOptions, 'rank' | 'attempt' | 'signal'> = {},
  ): Promise<Response> {
    return this.transport.open({ path: `${pathOf(job)}/logs`, query: { rank, attempt }, signal });
  }

  /** The output of a task, as bytes, as it was written. Goes on where it was after a broken connection. */
  logs(job: JobReference, options: LogOptions = {}): AsyncGenerator<Uint8Array, void, undefined> {
    const isOver = async (): Promise<boolean> => {
      const path = pathOf(job);
      const retrySeconds = WATCH_RETRY_SECONDS;
      const { state, attempts } = await this.transport.json<Job>({
        path,
        signal: options.signal,
        timeoutSeconds: Number.POSITIVE_INFINITY,
        tryTimeoutSeconds: ANSWER_SECONDS,
        retrySeconds,
      });
      if (isEnded(state) || options.attempt === undefined) return isEnded(state);
      return attempts.find(({ number }) => number === options.attempt)?.endedAt != null;
    };
    return readLog(this.transport, `${pathOf(job)}/logs`, options, isOver);
  }
}

function pathOf(job: JobReference): string {
  return `/v1/jobs/${encodeURIComponent(typeof job === 'object' ? job.id : job)}`;
}
