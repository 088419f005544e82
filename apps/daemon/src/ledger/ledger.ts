import type { Cause, Job, JobId, JobState, Notice, PendingReason } from '@berth/contract';
import { shapeKey } from '@berth/scheduler';
import type { Redis } from 'ioredis';
import type { TaskCheckpoint } from './checkpoint-view.js';
import { DamagedRecord, Damages, readJob } from './damage.js';
import { DeviceLedger } from './devices.js';
import { DRILL_MARGIN_MS, type TaskDrill } from './drill-view.js';
import { GroupLedger } from './groups.js';
import { type Idempotency, keyArguments } from './idempotency.js';
import { JobPages } from './job-pages.js';
import { KEYS } from './keys.js';
import {
  type JobRecord,
  type JobSpec,
  longestSeconds,
  type PlacedAttempt,
  recordFromFields,
  specOf,
  type TaskEnding,
  waitingJob,
} from './record.js';
import { LedgerRefusal } from './refusal.js';
import { RetentionLedger } from './retention.js';
import { loadScripts, type ObserveTransition, type RunScript } from './scripts.js';
import { StayLedger } from './stays.js';
import { StoredJobs } from './stored-jobs.js';
import { JOBS_ON_THE_WAY, type NewJob, submissionArguments, takenJob } from './submission.js';
import { describeTask, type TaskReference } from './task-reference.js';
import { UsageLedger } from './usage.js';

const NOTICES_KEPT = 50;

/** The truth about jobs. Every change is one atomic, checked transition, and one event on the stream. */
export class Ledger extends StoredJobs {
  private readonly run: RunScript;
  readonly devices: DeviceLedger;
  readonly groups: GroupLedger;
  readonly pages: JobPages;
  readonly stays: StayLedger;
  readonly usage: UsageLedger;
  readonly retention: RetentionLedger;

  /** @param damages is told of what can't be read */
  constructor(redis: Redis, observe?: ObserveTransition, damages = new Damages()) {
    super(redis, damages);
    this.run = loadScripts(redis, observe);
    this.devices = new DeviceLedger(redis, this.run, damages);
    this.groups = new GroupLedger(redis, this.run, this, damages);
    this.pages = new JobPages(redis, this.run, this);
    this.stays = new StayLedger(redis);
    this.usage = new UsageLedger(redis, this.run, damages);
    this.retention = new RetentionLedger(redis, this.run);
  }

  /**
   * Takes a new job. Once this resolves it can't be lost.
   * @returns the job as it is taken, or an earlier one that was submitted with the same Idempotency-Key
   * @throws LedgerRefusal `idempotency_conflict`, `not_found` (a dependency), `dependency_unmet`
   */
  async submit(job: NewJob): Promise<{ job: Job; replayed: boolean }> {
    const { outcome, values } = await this.run('submit', job.id, ...submissionArguments(job));
    if (outcome === 'replayed') return { job: (await this.job(values[0] as JobId)) as Job, replayed: true };
    return { job: takenJob(job, values), replayed: false };
  }

  /** Takes many jobs, each as `submit` does; those that are taken already are left as they are. @throws as `submit` */
  async submitAll(jobs: readonly NewJob[]): Promise<void> {
    for (let i = 0; i < jobs.length; i += JOBS_ON_THE_WAY) {
      await Promise.all(jobs.slice(i, i + JOBS_ON_THE_WAY).map((job) => this.submit(job)));
    }
  }

  /**
   * Gives a pending job the devices of an attempt.
   * @returns when, in ms since the epoch
   * @throws LedgerRefusal `not_leading`, `not_found`, `wrong_state`, `stale_attempt`, `not_in_line`, `device_held`, `device_kept`
   */
  async assign(epoch: string, job: JobId, attempt: number, placed: PlacedAttempt): Promise<number> {
    const { values } = await this.run('assign', job, epoch, job, attempt, JSON.stringify(placed));
    return Number(values[0]);
  }

  /**
   * Takes a task for the one who knows `token`; whoever gets through may start it, nobody else ever.
   * @returns the job's hash
   * @throws LedgerRefusal `not_found`, `stale_attempt`, `wrong_state`, `already_claimed`
   */
  async claim(task: TaskReference, token: string): Promise<JobRecord> {
    const { values } = await this.run('claim', describeTask(task), task.job, task.attempt, task.rank, token);
    return recordFromFields(values);
  }

  /**
   * Writes down that a claimed task's process runs.
   * @param startedAt ms since the epoch
   * @returns the job's state: `stopping` where somebody stopped it meanwhile; and whether it may save its work then
   * @throws LedgerRefusal `stale_attempt`, `wrong_state`
   */
  async start(
    task: TaskReference,
    pid: number,
    startedAt: number,
  ): Promise<{ state: JobState; saving: boolean }> {
    const { values } = await this.run(
      'start',
      describeTask(task),
      task.job,
      task.attempt,
      task.rank,
      pid,
      startedAt,
    );
    return { state: values[0] as JobState, saving: values[1] === '1' };
  }

  /**
   * Ends a job before its time.
   * @param endState what it shall be in the end
   * @returns its state now: ended where it waited, `stopping` where it runs
   * @throws LedgerRefusal `not_found`, `wrong_state`, `stale_attempt` (where an attempt is named)
   */
  async stop(
    job: JobId,
    endState: 'cancelled' | 'failed',
    cause: Cause,
    attempt?: number,
  ): Promise<JobState> {
    const { values } = await this.run('stop', job, job, endState, JSON.stringify(cause), attempt ?? '');
    return values[0] as JobState;
  }

  /**
   * Ends an attempt to make room: the job saves its work and waits again, ahead of its class.
   * @param cause of the code `preempted`; it says for whom
   * @returns its state now: `stopping`, or `pending` where nothing of it was started
   * @throws LedgerRefusal `not_leading`, `not_found`, `stale_attempt`, `wrong_state`, `not_preemptible`
   */
  async preempt(epoch: string, job: JobId, attempt: number, cause: Cause): Promise<JobState> {
    const { values } = await this.run('preempt', job, epoch, job, attempt, JSON.stringify(cause));
    return values[0] as JobState;
  }

  /**
   * Has its checkpoint signal sent to a running job, which is meant to go on; or joins the drill that runs.
   * @returns the attempt, and when the drill began (ms since the epoch)
   * @throws LedgerRefusal `not_found`, `wrong_state`, `no_checkpoint_signal`, `idempotency_conflict`
   */
  async drill(job: JobId, idempotency: Idempotency | null = null): Promise<{ attempt: number; at: number }> {
    const { values } = await this.run('drill', job, job, DRILL_MARGIN_MS, ...keyArguments(idempotency));
    const [attempt, at] = (values[0] as string).split(' ');
    return { attempt: Number(attempt), at: Number(at) };
  }

  /** Writes down that a task was told to save its work before its end. @throws LedgerRefusal `not_found` */
  async noteCheckpointSignal(
    { job, attempt, rank }: TaskReference,
    sent: Pick<TaskCheckpoint, 'signal' | 'sentAt'>,
  ): Promise<void> {
    await this.run('signalled', job, job, attempt, rank, 'checkpoint', JSON.stringify(sent), '');
  }

  /**
   * Writes down what a task made of a drill.
   * @param at when the drill began
   * @throws LedgerRefusal `not_found`, `stale_attempt` (another drill has begun)
   */
  async noteDrill({ job, attempt, rank }: TaskReference, at: number, result: TaskDrill): Promise<void> {
    await this.run('signalled', job, job, attempt, rank, 'drill', JSON.stringify(result), at);
  }

  /**
   * Writes down that a task has ended and that no process of it is left.
   * @param failure null for success
   * @param tryAgain whether the attempt never ran and a new one costs nothing
   * @throws LedgerRefusal `stale_attempt`, `wrong_state`
   */
  async finish(
    task: TaskReference,
    ending: TaskEnding,
    failure: Cause | null,
    tryAgain = false,
  ): Promise<void> {
    await this.run(
      'finish',
      describeTask(task),
      task.job,
      task.attempt,
      task.rank,
      JSON.stringify(ending),
      failure ? JSON.stringify(failure) : '',
      tryAgain ? 1 : 0,
    );
  }

  /** Keeps a pending job from starting. @throws LedgerRefusal `not_found`, `wrong_state` */
  async hold(job: JobId): Promise<void> {
    await this.run('hold', job, job, 1);
  }

  /** Lets a held job go. @throws LedgerRefusal `not_found`, `wrong_state` */
  async release(job: JobId): Promise<void> {
    await this.run('hold', job, job, '');
  }

  /**
   * Gives a job a new attempt: at once where it has ended, otherwise when what runs has been stopped.
   * @param cause why the attempt that runs ends
   * @throws LedgerRefusal `not_found`, `wrong_state` (it waits, or is being stopped for good), `code_removed`, `idempotency_conflict`
   */
  async requeue(job: JobId, cause: Cause, idempotency: Idempotency | null = null): Promise<JobState> {
    const { values } = await this.run(
      'requeue',
      job,
      job,
      JSON.stringify(cause),
      ...keyArguments(idempotency),
    );
    return values[0] as JobState;
  }

  /**
   * Binds an Idempotency-Key to a call that may be sent twice by its nature.
   * @param what the call, in words
   * @throws LedgerRefusal `idempotency_conflict` where it was used for another
   */
  async useKey(idempotency: Idempotency, what: string): Promise<void> {
    await this.run('use_key', what, what, ...keyArguments(idempotency));
  }

  /**
   * Changes a job that hasn't ended.
   * @param check is shown the job as it is before the change, and may throw
   * @throws LedgerRefusal `not_found`, `wrong_state`
   */
  async change(
    job: JobId,
    change: { priority?: number; spec?: Partial<JobSpec> },
    check: (found: Job) => void = () => undefined,
  ): Promise<void> {
    for (;;) {
      const record = await this.record(job);
      if (!record) throw new LedgerRefusal('change', job, 'not_found', []);
      const found = readJob(job, record, { reason: null, position: null });
      if (found instanceof DamagedRecord) throw found;
      check(found);
      const spec = { ...specOf(record), ...change.spec };
      const { needs: before } = waitingJob(record);
      const needs = {
        ...before,
        priority: change.priority ?? before.priority,
        longestSeconds: longestSeconds(spec),
      };
      try {
        await this.run(
          'change',
          job,
          job,
          record.spec as string,
          record.priority as string,
          record.state as string,
          JSON.stringify(spec),
          needs.priority,
          JSON.stringify(needs),
          shapeKey(needs),
        );
        return;
      } catch (error) {
        // Somebody else was faster: read it again.
        if (!(error instanceof LedgerRefusal) || error.code !== 'changed_meanwhile') throw error;
      }
    }
  }

  /**
   * Becomes the scheduler that may assign.
   * @param halfLifeSeconds after which usage counts for half
   * @returns the epoch to show with each assignment
   */
  async lead(node: string, halfLifeSeconds: number): Promise<string> {
    const { values } = await this.run('lead', node, node, halfLifeSeconds);
    return values[0] as string;
  }

  /**
   * Tells a job's owner of something that happened to an attempt.
   * @returns whether it hadn't been said before
   * @throws LedgerRefusal `not_found`, `stale_attempt`
   */
  async notice(
    job: JobId,
    attempt: number,
    notice: Pick<Notice, 'code' | 'device' | 'sentence'> & { detail?: string | null },
  ): Promise<boolean> {
    const { code, device, sentence, detail } = notice;
    const { values } = await this.run(
      'notice',
      job,
      job,
      attempt,
      code,
      device ?? '',
      sentence,
      detail ?? '',
      NOTICES_KEPT,
    );
    return values[0] === 'new';
  }

  /** Changes the reasons for which the jobs of some shapes wait; null takes one away. @throws LedgerRefusal `not_leading` */
  async noteReasons(epoch: string, changes: ReadonlyMap<string, PendingReason | null>): Promise<void> {
    const argv = [...changes].flatMap(([shape, reason]) => [shape, reason ? JSON.stringify(reason) : '']);
    await this.run('note_reasons', 'shapes', epoch, ...argv);
  }

  /** Writes down up to where the events were read for notifications. */
  async noteNotified(event: string): Promise<void> {
    await this.redis.set(KEYS.notified, event);
  }

  /** Whether anything can be written. @throws what says why not; see `whyUnavailable` */
  async probe(): Promise<void> {
    await this.redis.set(KEYS.probe, '', 'EX', 60);
  }
}
