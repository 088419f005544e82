import { policyOf } from './policy.js';
import { isOlder, type PendingJob, type SchedulerState } from './state.js';
import { decayed, worth } from './usage.js';

/** How long each device that a user holds counts as used in advance: so that one decision doesn't give all to one user. */
const ADVANCE_SECONDS = 600;

/**
 * The order of the queue at one moment: priority; then who gave way before; then fair share (the user who has used less,
 * by weight); then submission. A job that is put in line again keeps its age.
 */
export class Order {
  private readonly state: SchedulerState;
  /** GPU-seconds by weight: who has fewer goes first. */
  private readonly standings = new Map<string, number>();

  /** @param now ms since the epoch */
  constructor(state: SchedulerState, now: number) {
    this.state = state;
    const { halfLifeSeconds } = state.policy;
    for (const [user, usage] of state.usage) this.add(user, decayed(usage, now, halfLifeSeconds));
    for (const { needs, gpus, since } of state.allocations.values())
      this.add(needs.user, worth(gpus, since, now, halfLifeSeconds) + gpus * ADVANCE_SECONDS);
  }

  /** A user gets devices in this very decision. */
  advance(user: string, gpus: number): void {
    this.add(user, gpus * ADVANCE_SECONDS);
  }

  goesBefore(one: PendingJob, other: PendingJob): boolean {
    if (one.needs.priority !== other.needs.priority) return one.needs.priority > other.needs.priority;
    if (one.needs.user !== other.needs.user && (one.front === true) === (other.front === true)) {
      const difference = this.standing(one.needs.user) - this.standing(other.needs.user);
      if (difference !== 0) return difference < 0;
    }
    return isOlder(one, other);
  }

  /** GPU-seconds by weight. */
  standing(user: string): number {
    return this.standings.get(user) ?? 0;
  }

  private add(user: string, gpuSeconds: number): void {
    this.standings.set(user, this.standing(user) + gpuSeconds / policyOf(this.state.policy, user).weight);
  }
}
