import type { Order } from './order.js';
import type { PendingJob, SchedulerState, Shape } from './state.js';

/**
 * How many jobs go before one, as the order is now. Costs what shapes cost, not jobs.
 * @param order of the same state
 * @param counts whether the jobs of a shape are to be counted; left out: all are
 */
export function countAhead(
  state: SchedulerState,
  order: Order,
  job: PendingJob,
  counts: (shape: Shape) => boolean = () => true,
): number {
  let ahead = 0;
  for (const shape of state.shapes.values()) {
    if (!counts(shape)) continue;
    const { queue } = shape;
    // Within a shape, those that go before are its first ones.
    let low = 0;
    let high = queue.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (order.goesBefore(queue[middle] as PendingJob, job)) low = middle + 1;
      else high = middle;
    }
    ahead += low;
  }
  return ahead;
}
