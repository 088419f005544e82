import type { Cause, JobId } from '@berth/contract';
import {
  apply,
  decide,
  emptyState,
  type PendingJob,
  type Placement,
  type Policy,
  type Preemption,
  type SchedulerState,
} from '@berth/scheduler';
import type { Logger } from 'pino';
import { type ClockWatch, watchClock } from '../clock-watch.js';
import { type DamagedRecord, waitingJobIn } from '../ledger/damage.js';
import type { DeviceQueues } from '../ledger/device-queue.js';
import type { EventFeed, LedgerEvent } from '../ledger/event-feed.js';
import type { Ledger } from '../ledger/ledger.js';
import {
  type JobRecord,
  type PlacedAttempt,
  placedAttempt,
  specOf,
  type WaitingJob,
  waitingJob,
} from '../ledger/record.js';
import { LedgerRefusal } from '../ledger/refusal.js';
import { allocationOf, leavingUntil, schedulableDevices } from '../ledger/scheduler-view.js';
import { RecurringTrouble } from '../recurring-trouble.js';
import { planAttempt } from './attempt-plan.js';
import { boundedBackoff } from './backoff.js';
import { PendingReasons } from './pending-reasons.js';
import { Sleepers } from './sleepers.js';

/** How long an event may be on its way that explains a refusal. */
const EVENT_PATIENCE_MS = 1000;
/** After a failure that no event will tell the end of. */
const PAUSE_AFTER_FAILURE_MS = 1000;
/** Jobs that can't be read are looked at again, whether somebody has put them right. */
const LOOK_AGAIN_MS = 5000;

/** Is told of what the scheduler does. Times in seconds. */
export interface SchedulingObserver {
  decided(seconds: number): void;
  /** @param waited since the job's submission; null: it had devices before */
  placed(waited: number | null): void;
  displaced(): void;
  refused(): void;
  /** @param outcome the job's state, or `requeued` */
  ended(outcome: string, ran: number): void;
}

/**
 * Feeds the pure scheduler with the ledger's events and carries its decisions out: state, decision and effect are
 * three places, and this is the third. Everything here may be lost at any moment; the ledger has it all.
 */
export class SchedulerLoop {
  private readonly ledger: Ledger;
  private readonly queues: DeviceQueues;
  private readonly feed: EventFeed;
  private readonly log: Logger;
  private readonly trouble: RecurringTrouble;
  private readonly placementTrouble: RecurringTrouble;
  private readonly node: string;
  private readonly policy: Policy;
  private readonly observer: SchedulingObserver;
  private current: SchedulerState;
  private epoch = '';
  private stopListening: (() => void) | null = null;
  private clock: ClockWatch | null = null;
  /** What has happened since the last decision. */
  private inbox: LedgerEvent[] = [];
  private working = true;
  private paused = false;
  private suspended = false;
  /** Whether the state here may not be the ledger's. */
  private doubtful = false;
  private doubtTimer: NodeJS.Timeout | null = null;
  private anewTimer: NodeJS.Timeout | null = null;
  private readonly sleepers = new Sleepers();
  private readonly reasons: PendingReasons;
  /** Jobs that can't be read: they are not scheduled, and what they hold is theirs. */
  private leftOut: ReadonlySet<JobId> = new Set();
  private leftOutTimer: NodeJS.Timeout | null = null;

  constructor(options: {
    ledger: Ledger;
    queues: DeviceQueues;
    feed: EventFeed;
    node: string;
    policy: Policy;
    observer: SchedulingObserver;
    log: Logger;
  }) {
    this.ledger = options.ledger;
    this.queues = options.queues;
    this.feed = options.feed;
    this.node = options.node;
    this.policy = options.policy;
    this.observer = options.observer;
    this.current = emptyState(options.policy);
    this.log = options.log;
    this.trouble = new RecurringTrouble(options.log, {
      begins: 'scheduling failed; the ledger is read anew',
      ends: 'scheduling goes on',
      level: 'error',
    });
    this.placementTrouble = new RecurringTrouble(options.log, {
      begins: 'a placement failed; it is tried again',
      ends: 'jobs are placed again',
      level: 'error',
    });
    this.reasons = new PendingReasons((changes) => this.ledger.noteReasons(this.epoch, changes), options.log);
  }

  /** What decisions are made from, as of the last event: for explanations. */
  get state(): SchedulerState {
    return this.current;
  }

  /** How many jobs wait for each reason; `undecided` are those that no decision has seen yet. */
  waitingByReason(): Map<string, number> {
    const counts = new Map<string, number>();
    const add = (reason: string, jobs: number) => counts.set(reason, (counts.get(reason) ?? 0) + jobs);
    for (const { key, queue } of this.state.shapes.values())
      add(this.reasons.codeOf(key) ?? 'undecided', queue.length);
    for (const reason of this.sleepers.waitingFor) add(reason, 1);
    return counts;
  }

  /** Takes the lead, reads the ledger, and schedules from now on. */
  async start(): Promise<void> {
    await this.lead();
    this.stopListening = this.feed.listen((events) => {
      this.inbox.push(...events);
      if (!this.working) void this.work();
    });
    await this.load();
    this.clock = watchClock(() => this.beginAnewSoon());
    this.log.info({ epoch: this.epoch, pending: this.state.pending.size }, 'scheduling');
    void this.work();
  }

  /** Starts nothing any more, and stops nothing to make room. What it knows stays up to date. */
  pause(): void {
    this.paused = true;
  }

  /** Decides nothing until `resume`: the ledger is not there. */
  suspend(): void {
    this.suspended = true;
  }

  /** Takes the lead of a ledger that is back, and reads it anew. */
  resume(): void {
    this.suspended = false;
    this.epoch = '';
    this.doubtful = true;
    if (!this.working) void this.work();
  }

  private async lead(): Promise<void> {
    this.epoch = await this.ledger.lead(this.node, this.policy.halfLifeSeconds);
  }

  close(): void {
    this.stopListening?.();
    this.clock?.end();
    this.sleepers.clear();
    this.reasons.close();
    if (this.doubtTimer) clearTimeout(this.doubtTimer);
    if (this.anewTimer) clearTimeout(this.anewTimer);
    if (this.leftOutTimer) clearTimeout(this.leftOutTimer);
  }

  /** Decides again and again, as long as something has happened meanwhile. */
  private async work(): Promise<void> {
    if (this.suspended) return;
    this.working = true;
    try {
      do {
        if (this.epoch === '') await this.lead();
        if (this.doubtful) await this.load();
        this.doubtful = false;
        const events = this.inbox;
        this.inbox = [];
        for (const event of events) await this.take(event);
        await this.step();
      } while (this.inbox.length > 0 || this.doubtful);
      this.trouble.over();
    } catch (error) {
      this.trouble.tell(error);
      this.beginAnewSoon();
    } finally {
      this.working = false;
    }
  }

  /** Builds the state anew from the ledger, and hands over again what may not have been handed over. */
  private async load(): Promise<void> {
    const state = emptyState(this.policy);
    const pending = await this.ledger.sifted(await this.ledger.idsInState('pending'));
    const holding = await this.ledger.holding();
    this.leaveOut([...pending.damaged, ...holding.damaged]);
    apply(state, { type: 'devices', devices: await schedulableDevices(this.ledger, this.leftOut) });
    apply(state, { type: 'past', ...(await this.ledger.usage.past()) });
    this.sleepers.clear();
    for (const record of pending.sound) {
      const id = record.id as JobId;
      const next = { id, number: Number(record.number), attempt: Number(record.attempt) + 1 };
      this.enqueue(state, next, withBoundedBackoff(record));
    }
    for (const record of holding.sound) {
      const attempt = Number(record.attempt);
      apply(state, { type: 'placed', allocation: allocationOf(record) });
      const waiting = placedAttempt(record, attempt).tasks.filter(
        ({ rank }) => record[`task:${attempt}:${rank}:state`] === 'waiting',
      );
      await this.handOver(record.id as JobId, attempt, waiting);
    }
    this.current = state;
    this.reasons.forget();
  }

  private leaveOut(damaged: readonly DamagedRecord[]): void {
    this.leftOut = new Set(damaged.map(({ id }) => id));
    if (this.leftOut.size > 0) this.leftOutTimer ??= setTimeout(() => void this.lookAgain(), LOOK_AGAIN_MS);
  }

  /** No event tells of a job that somebody has put right by hand. */
  private async lookAgain(): Promise<void> {
    const { damaged } = await this.ledger.sifted([...this.leftOut]).catch(() => ({ damaged: null }));
    this.leftOutTimer = null;
    if (damaged?.length === this.leftOut.size) this.leaveOut(damaged);
    else this.beginAnewSoon();
  }

  /** A job as it is stored; null: there is no such job, or it can't be read. */
  private async read(job: JobId): Promise<JobRecord | null> {
    return (await this.ledger.records([job]))[0] ?? null;
  }

  /** Takes over what has changed of a job that runs. */
  private async replan(job: JobId): Promise<void> {
    const record = await this.read(job);
    if (record && this.state.allocations.get(job)?.attempt === Number(record.attempt))
      apply(this.state, { type: 'placed', allocation: allocationOf(record) });
  }

  private async leave(job: JobId): Promise<void> {
    const record = await this.read(job);
    const until = record && leavingUntil(record);
    if (until !== null) apply(this.state, { type: 'leaving', job, until });
  }

  /** Puts a job in line, once nothing of its own keeps it from starting. */
  private enqueue(
    state: SchedulerState,
    job: Pick<PendingJob, 'id' | 'number' | 'attempt'>,
    waiting: WaitingJob,
  ): void {
    const { needs, since, avoid, front } = waiting;
    const inLine = { ...job, needs, since, avoid, front };
    apply(state, { type: 'gone', job: job.id });
    const sleeps = this.sleepers.admit(job, waiting, () => {
      apply(this.state, { type: 'pending', job: inLine });
      if (!this.working) void this.work();
    });
    if (!sleeps) apply(state, { type: 'pending', job: inLine });
  }

  private free(job: JobId, outcome: string, event: LedgerEvent): void {
    const held = this.state.allocations.get(job);
    const at = event.endedAt ?? Date.parse(event.at);
    if (held) this.observer.ended(outcome, (at - held.since) / 1000);
    apply(this.state, { type: 'freed', job, at });
  }

  private async take(event: LedgerEvent): Promise<void> {
    const job = event.job as JobId;
    // Where nothing is known of a job, what an event changes of it isn't either.
    if (this.leftOut.has(job)) this.doubtful = true;
    switch (event.type) {
      case 'job.submitted':
      case 'job.requeued':
      case 'job.changed': {
        if (event.more === null) return this.replan(job);
        const waiting = waitingJobIn(event.more);
        const next = { id: job, number: event.number as number, attempt: (event.attempt ?? 0) + 1 };
        this.free(job, 'requeued', event);
        if (waiting) this.enqueue(this.state, next, waiting);
        else this.doubtful = true;
        return;
      }
      case 'job.placed': {
        const known = this.state.allocations.get(job);
        if (known?.attempt === event.attempt) return;
        const record = await this.read(job);
        if (record && Number(record.attempt) === event.attempt && isHolding(record))
          apply(this.state, { type: 'placed', allocation: allocationOf(record) });
        return;
      }
      case 'job.stopping':
        return this.leave(job);
      case 'job.ended':
        this.free(job, event.state as string, event);
        apply(this.state, { type: 'gone', job });
        this.sleepers.wake(job);
        return;
      case 'devices.registered':
      case 'device.drained':
      case 'device.resumed':
      case 'device.obstructed':
      case 'device.cleared':
        apply(this.state, { type: 'devices', devices: await schedulableDevices(this.ledger, this.leftOut) });
        return;
      default:
        return;
    }
  }

  /** Decides, and carries the decision out. */
  private async step(): Promise<void> {
    if (this.paused) return;
    const began = performance.now();
    const { placements, preemptions, reasons } = decide(this.state, Date.now());
    this.observer.decided((performance.now() - began) / 1000);
    await Promise.all([
      ...placements.map((placement) => this.carryOut(placement)),
      ...preemptions.map((preemption) => this.displace(preemption)),
    ]);
    this.reasons.note(reasons);
  }

  private async carryOut(placement: Placement): Promise<void> {
    const { job } = placement;
    const pending = this.state.pending.get(job) as PendingJob;
    try {
      const placed = await planAttempt(pending.needs, placement);
      if (this.paused) return;
      const since = await this.ledger.assign(this.epoch, job, pending.attempt, placed);
      this.placementTrouble.over();
      this.observer.placed(pending.attempt === 1 ? (since - pending.since) / 1000 : null);
      const { number, attempt, needs } = pending;
      const endsAt = needs.longestSeconds === null ? null : since + needs.longestSeconds * 1000;
      const devices = placed.devices.map(({ uuid }) => uuid);
      const { gpus } = placement;
      apply(this.state, {
        type: 'placed',
        allocation: { job, number, attempt, needs, devices, gpus, since, endsAt, leaving: false },
      });
      // The next decision need not wait for it: whatever becomes of the hand-over, the ledger has the assignment.
      void this.handOver(job, pending.attempt, placed.tasks).catch((error: unknown) =>
        this.onFailure(job, error as Error),
      );
    } catch (error) {
      this.onFailure(job, error as Error);
    }
  }

  /** Tells a job to give way. */
  private async displace({ job, attempt, by }: Preemption): Promise<void> {
    const sentence = `it gave way to job ${by.number}, of priority ${by.needs.priority}`;
    const cause: Cause = { code: 'preempted', sentence, rank: null, exitCode: null, signal: null };
    try {
      await this.ledger.preempt(this.epoch, job, attempt, cause);
      await this.leave(job);
      this.observer.displaced();
      this.log.info({ job, for: by.number }, 'a job gives way');
    } catch (error) {
      this.onFailure(job, error as Error);
    }
  }

  private onFailure(job: JobId, error: Error): void {
    if (error instanceof LedgerRefusal && error.code === 'not_leading') {
      this.log.warn('another scheduler leads; this one stops');
      this.close();
      return;
    }
    if (error instanceof LedgerRefusal) {
      // The job was cancelled or held meanwhile, or its event is still on its way here: the stream will tell.
      this.observer.refused();
      this.log.info({ job, refusal: error.message }, 'a placement came too late');
      this.doubt(job);
      return;
    }
    this.placementTrouble.tell(error, { job });
    this.beginAnewSoon();
  }

  /** Reads the ledger anew after a pause, and so hands over again what was not handed over. */
  private beginAnewSoon(): void {
    this.anewTimer ??= setTimeout(() => {
      this.anewTimer = null;
      this.doubtful = true;
      if (!this.working) void this.work();
    }, PAUSE_AFTER_FAILURE_MS);
  }

  /** The events tell why something was refused; where they don't, the ledger is read anew. */
  private doubt(job: JobId): void {
    const before = this.state.pending.get(job) ?? this.state.allocations.get(job);
    this.doubtTimer ??= setTimeout(() => {
      this.doubtTimer = null;
      const now = this.state.pending.get(job) ?? this.state.allocations.get(job);
      if (before === undefined || now !== before) return;
      this.log.warn({ job }, 'what the scheduler knows is not what the ledger has; it is read anew');
      this.doubtful = true;
      if (!this.working) void this.work();
    }, EVENT_PATIENCE_MS);
  }

  private async handOver(job: JobId, attempt: number, tasks: PlacedAttempt['tasks']): Promise<void> {
    const hand = ({ rank, devices }: PlacedAttempt['tasks'][0]) =>
      this.queues.handOver(devices[0] as string, { job, attempt, rank });
    await Promise.all(tasks.map(hand));
  }
}

function withBoundedBackoff(record: JobRecord): WaitingJob {
  const waiting = waitingJob(record);
  const { retry } = specOf(record);
  if (!retry) return waiting;
  const retries = Number(record.retries ?? 0);
  return { ...waiting, notBefore: boundedBackoff(waiting.notBefore, retry, retries, Date.now()) };
}

const isHolding = ({ state }: JobRecord): boolean =>
  state === 'starting' || state === 'running' || state === 'stopping';
