import { policyOf } from './policy.js';
import { isOlder, type PendingJob, type SchedulerState } from './state.js';
import { decayed, worth } from './usage.js';

/** How long each device that a user holds counts as used in advance: so that one decision doesn't give all to one user. */
const ADVANCE_SECONDS = 600;

/**
 * The order of the queue at one moment: priority; then who gave way before; then submission, where users who have used less
 * than their share have a start over others, of up to `reachSeconds`. So whoever has waited for that long goes before all that
 * are submitted now: nobody starves. A job that is put in line again keeps its age.
 *
 * How much of a start: the factor 2^(-usage/share) of what a user has used of all that was used, by what they are entitled to (as
 * Slurm's Multifactor Priority Plugin has it: 1 for who has used nothing, a half for who has used just their share).
 */
export class Order {
  private readonly state: SchedulerState;
  /** Grows whenever the order may have changed. */
  changes = 0;
  /** GPU-seconds. */
  private readonly usage = new Map<string, number>();
  private readonly factors = new Map<string, number>();
  private used = 0;
  private weights = 0;

  /** @param now ms since the epoch */
  constructor(state: SchedulerState, now: number) {
    this.state = state;
    const { halfLifeSeconds } = state.policy;
    for (const [user, usage] of state.usage) this.add(user, decayed(usage, now, halfLifeSeconds));
    for (const { needs, gpus, since } of state.allocations.values())
      this.add(needs.user, worth(gpus, since, now, halfLifeSeconds) + gpus * ADVANCE_SECONDS);
    for (const { needs } of state.shapes.values()) this.add(needs.user, 0);
  }

  /** A user gets devices in this very decision. */
  advance(user: string, gpus: number): void {
    this.add(user, gpus * ADVANCE_SECONDS);
  }

  goesBefore(one: PendingJob, other: PendingJob): boolean {
    if (one.needs.priority !== other.needs.priority) return one.needs.priority > other.needs.priority;
    if (one.needs.user !== other.needs.user && (one.front === true) === (other.front === true)) {
      const difference = one.since - this.startOf(one) - (other.since - this.startOf(other));
      if (difference !== 0) return difference < 0;
    }
    return isOlder(one, other);
  }

  /** From 1, for who has used nothing, to 0; a half for who has used just their share. */
  factor(user: string): number {
    const known = this.factors.get(user);
    if (known !== undefined) return known;
    const usage = this.usage.get(user);
    const entitled = policyOf(this.state.policy, user).weight / this.weights;
    const factor = usage ? 2 ** (-usage / this.used / entitled) : 1;
    this.factors.set(user, factor);
    return factor;
  }

  /** ms that a job's user has over others. */
  private startOf({ needs }: PendingJob): number {
    return this.factor(needs.user) * this.state.policy.reachSeconds * 1000;
  }

  private add(user: string, gpuSeconds: number): void {
    const before = this.usage.get(user);
    if (before === undefined) this.weights += policyOf(this.state.policy, user).weight;
    this.usage.set(user, (before ?? 0) + gpuSeconds);
    this.used += gpuSeconds;
    // What one has used changes everybody's part of all.
    this.factors.clear();
    this.changes += 1;
  }
}
