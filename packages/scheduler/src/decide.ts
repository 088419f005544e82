import type { PendingReason } from '@berth/contract';
import { Heads } from './heads.js';
import { type Placement, Plan } from './plan.js';
import type { Preemption } from './preemption.js';
import type { SchedulerState } from './state.js';

export interface Decision {
  readonly placements: readonly Placement[];
  /** Who is to give way to somebody that waits. */
  readonly preemptions: readonly Preemption[];
  /** Why the jobs of each shape that are left wait, by the shape's key. */
  readonly reasons: ReadonlyMap<string, PendingReason>;
}

/**
 * Decides who starts now: by priority, then fair share, then submission (order.ts); gangs are all or nothing.
 *
 * The first of those that want as many of the same devices has them reserved when it can't start, and a time by which it starts
 * at the latest. Later jobs may use these devices until then, if their time limits end them before (backfill): so it isn't delayed,
 * none starves, and jobs whose masks don't touch pass each other freely. Devices with an obstacle are neither given nor reserved. Where jobs of lower priority
 * allow it, they give way (preemption.ts).
 *
 * The cost follows the number of shapes and placements, not the number of jobs: once a job of a shape
 * can't start, none behind it of the same shape can.
 *
 * @param now ms since the epoch
 * @param reasons false: nobody asks why jobs wait, and the decision is made sooner
 */
export function decide(state: SchedulerState, now = 0, { reasons: wanted = true } = {}): Decision {
  const plan = new Plan(state, now);
  const reasons = new Map<string, PendingReason>();
  const heads = new Heads(state, plan.order);
  for (let next = heads.first(); next; next = heads.first()) {
    const { shape, job } = next;
    const refusal = plan.take(job);
    if (wanted && refusal && !reasons.has(shape.key)) reasons.set(shape.key, refusal.reason());
    if (!refusal || refusal.othersToo) heads.advance();
    else heads.drop();
  }
  return { placements: plan.placements, preemptions: plan.preemptions, reasons };
}
