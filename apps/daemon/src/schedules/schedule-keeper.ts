import { setTimeout as sleep } from 'node:timers/promises';
import { type Job, type JobSubmission, JobSubmissionSchema, type ScheduleId } from '@berth/contract';
import type { Logger } from 'pino';
import { type ClockWatch, watchClock } from '../clock-watch.js';
import { latestTime, nextTime } from '../cron.js';
import { DamagedRecord } from '../ledger/damage.js';
import type { EventFeed, LedgerEvent } from '../ledger/event-feed.js';
import { LedgerRefusal } from '../ledger/refusal.js';
import { type DueTime, isDealtWith, type ScheduleLedger, type ScheduleRecord } from '../ledger/schedules.js';
import type { NewJob } from '../ledger/submission.js';
import { runId } from './run-id.js';
import type { Ticks } from './ticks.js';

/** A daemon that is restarted at a time of a schedule, or has much to do, doesn't miss it. */
const NOT_TOO_LATE_MS = 60_000;
/** A clock that is corrected by so much between a tick and our look at it is waited for. */
const EARLY_MS = 5000;

/** A job made of a template by what this host has now, or why none can be. `settle` hears which job the ledger has. */
export type Resolve = (
  template: JobSubmission,
) => Promise<
  { job: Omit<NewJob, 'idempotency'>; settle?: (taken: Job | null) => Promise<void> } | { refused: string }
>;

interface Options {
  schedules: ScheduleLedger;
  ticks: Ticks;
  resolve: Resolve;
  log: Logger;
  /** The wall clock, ms since the epoch. */
  now?: () => number;
}

/**
 * Makes jobs of schedules when their times come.
 *
 * The ledger knows each schedule's next time; whoever deals with it moves it on in the same step. So it doesn't matter who finds
 * that a time has come, nor how often: a tick, a start of the daemon, or a clock that was set.
 */
export class ScheduleKeeper {
  private readonly schedules: ScheduleLedger;
  private readonly ticks: Ticks;
  private readonly resolve: Resolve;
  private readonly log: Logger;
  private readonly now: () => number;
  private stopListening: (() => void) | null = null;
  private clock: ClockWatch | null = null;
  /** Changes are followed one after another, in their order. */
  private following: Promise<void> = Promise.resolve();

  constructor({ schedules, ticks, resolve, log, now = Date.now }: Options) {
    this.schedules = schedules;
    this.ticks = ticks;
    this.resolve = resolve;
    this.log = log;
    this.now = now;
  }

  /** Lets tick what shall tick, and nothing else; deals with what came while nobody was there; and goes on so. */
  async start(feed: EventFeed): Promise<void> {
    this.stopListening = feed.listen((events) => this.hear(events));
    const known = new Set(await this.schedules.ids());
    for (const id of await this.ticks.ticking()) if (!known.has(id)) await this.ticks.remove(id);
    await this.followAll();
    this.ticks.listen((id) => this.meet(id));
    this.clock = watchClock((step) => {
      this.log.warn({ seconds: step / 1000 }, 'the clock was set; looking at all schedules again');
      this.lookAgain();
    });
  }

  /** Looks at all schedules again: the ledger isn't the one that it was. */
  lookAgain(): void {
    this.next(() => this.followAll());
  }

  async close(): Promise<void> {
    this.stopListening?.();
    this.clock?.end();
    await this.following;
    await this.ticks.close();
  }

  /** What the clock says, where something is done by it: that it was wrong has to be noticed when it is set right. */
  private time(): number {
    this.clock?.look();
    return this.now();
  }

  private hear(events: readonly LedgerEvent[]): void {
    const changed = events.filter(({ type }) => /^schedule\.(created|changed|deleted)$/.test(type));
    for (const id of new Set(changed.map(({ schedule }) => schedule as ScheduleId)))
      this.next(() => this.follow(id));
  }

  private next(work: () => Promise<void>): void {
    this.following = this.following.then(work).catch((error: Error) => {
      this.log.error({ error: error.message }, 'the schedules could not be looked at');
    });
  }

  private async followAll(): Promise<void> {
    for (const id of await this.schedules.ids()) await this.follow(id);
  }

  /** Lets a schedule tick as the ledger says. It is looked at after that: a time that comes meanwhile would be nobody's. */
  private async follow(id: ScheduleId): Promise<void> {
    try {
      const record = await this.schedules.record(id);
      if (!record || record.nextRun === null) return await this.ticks.remove(id);
      await this.ticks.set(id, record.plan.cron, record.plan.timeZone);
      await this.bringForward(record, record.nextRun);
      await this.meet(id, 0);
    } catch (error) {
      // One that can't be read is left ticking: it goes on once somebody has put it right.
      if (isDealtWith(error) || error instanceof DamagedRecord) return;
      this.log.error({ schedule: id, error: (error as Error).message }, 'a schedule could not be looked at');
    }
  }

  /**
   * A clock that was ahead has left a next time that is too far away. Times that were dealt with may come again by that; the ids
   * of their jobs do too, so that there are no more jobs.
   */
  private async bringForward({ id, plan }: ScheduleRecord, nextRun: number): Promise<void> {
    const upcoming = nextTime(plan.cron, plan.timeZone, this.time());
    if (upcoming < nextRun) await this.schedules.reschedule(id, nextRun, upcoming);
  }

  /** Deals with the time that has come, if one has. Of several that were missed only the latest counts. */
  async meet(id: ScheduleId, mayWaitMs = EARLY_MS): Promise<void> {
    const record = await this.schedules.record(id).catch((error: unknown) => {
      if (error instanceof DamagedRecord) return null;
      throw error;
    });
    if (!record || record.nextRun === null) return;
    const { plan, nextRun } = record;
    const early = nextRun - this.time();
    if (early > mayWaitMs) return;
    if (early > 0) await sleep(early);

    const now = Math.max(this.time(), nextRun);
    const at = latestTime(plan.cron, plan.timeZone, nextRun, now);
    const due = { id, at, expected: nextRun, upcoming: nextTime(plan.cron, plan.timeZone, now) };
    try {
      if (now - at > NOT_TOO_LATE_MS && !plan.catchUp) await this.miss(due, now);
      else await this.submit(due, record);
    } catch (error) {
      if (!isDealtWith(error)) throw error;
    }
  }

  private async miss(due: DueTime, now: number): Promise<void> {
    const sentence = `its time was ${iso(due.at)}, but Berth could not look at it before ${iso(now)}; with catchUp: true such a time is made up for`;
    await this.schedules.skip(due, { code: 'missed', sentence });
    this.log.warn({ schedule: due.id, at: iso(due.at) }, 'a time of a schedule was missed');
  }

  private async submit(due: DueTime, { id, name, plan }: ScheduleRecord): Promise<void> {
    const made = await this.resolve(JobSubmissionSchema.parse(plan.job));
    if ('refused' in made) return this.refuse(due, made.refused);
    const spec = { ...made.job.spec, schedule: { id, at: iso(due.at) } };
    const job = { ...made.job, id: runId(id, due.at), spec, idempotency: null };
    try {
      const taken = await this.schedules.runDue(due, plan.overlap, job);
      await made.settle?.(taken);
      if (taken)
        this.log.info({ schedule: id, name, job: taken.number, at: iso(due.at) }, 'a schedule made a job');
    } catch (error) {
      await made.settle?.(null);
      // What the job waits for has gone, or ended otherwise.
      const unmet = error instanceof LedgerRefusal && !isDealtWith(error);
      if (!unmet) throw error;
      await this.refuse(
        due,
        `${error.found[0]}, which it is to start after, ${error.found[1] ? `has ${error.found[1]}` : 'is gone'}`,
      );
    }
  }

  private async refuse(due: DueTime, why: string): Promise<void> {
    await this.schedules.skip(due, {
      code: 'refused',
      sentence: `its job can't be submitted any more: ${why}`,
    });
    this.log.warn({ schedule: due.id, why }, 'the job of a schedule was refused');
  }
}

const iso = (milliseconds: number): string => new Date(milliseconds).toISOString();
