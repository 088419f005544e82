import type { Order } from './order.js';
import type { PendingJob, SchedulerState } from './state.js';

/**
 * How many jobs go before one, as the order is now. Costs what shapes cost, not jobs.
 * @param order of the same state
 */
export function countAhead(state: SchedulerState, order: Order, job: PendingJob): number {
  let ahead = 0;
  for (const { queue } of state.shapes.values()) {
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
