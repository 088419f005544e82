import type { JobId } from '@berth/contract';
import { Heads } from './heads.js';
import { Plan } from './plan.js';
import type { PendingJob, SchedulerState } from './state.js';

/** Where and when a waiting job is planned to run. Times in ms since the epoch. */
export interface PlannedStay {
  readonly job: JobId;
  readonly number: number;
  readonly user: string;
  /** UUIDs. */
  readonly devices: readonly string[];
  readonly from: number;
  /** By its time limit; where it has none, as the policy plans it. */
  readonly until: number;
  /** Whether it starts by then at the latest; an estimate, where somebody before it has no time limit. */
  readonly certain: boolean;
}

/**
 * Where the first jobs in line will run, as the plan of this moment has it: each gets its own place, in their order. Those that a
 * limit keeps waiting, or that nothing here can run, have none. The cost follows `most` and the number of shapes, not the number of jobs.
 * @param now ms since the epoch
 * @param most how many jobs are planned
 */
export function forecast(state: SchedulerState, now: number, most: number): PlannedStay[] {
  const plan = new Plan(state, now, 'all');
  const heads = new Heads(state, plan.order);
  const stays = new Map<PendingJob, Omit<PlannedStay, 'job' | 'number' | 'user'>>();
  for (let next = heads.first(), taken = 0; next && taken < most; next = heads.first()) {
    const { job } = next;
    if (plan.limitOf(job.needs) || plan.pools.of(job.needs).mostUsable < job.needs.gpus) {
      heads.drop();
      continue;
    }
    plan.take(job);
    taken += 1;
    heads.advance();
  }
  for (const { job, devices } of plan.placements) {
    const pending = state.pending.get(job) as PendingJob;
    const until = now + (pending.needs.longestSeconds ?? state.policy.plannedSeconds) * 1000;
    stays.set(pending, { devices: devices.map(({ uuid }) => uuid), from: now, until, certain: true });
  }
  for (const [uuid, { by, from, until, certain }] of plan.reservations.all()) {
    const devices = [...(stays.get(by)?.devices ?? []), uuid];
    stays.set(by, { devices, from, until, certain });
  }
  return [...stays]
    .map(([{ id, number, needs }, stay]) => ({ job: id, number, user: needs.user, ...stay }))
    .sort((one, other) => one.from - other.from || one.number - other.number);
}
