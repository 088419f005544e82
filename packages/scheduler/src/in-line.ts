import { Heads } from './heads.js';
import type { Order } from './order.js';
import type { PendingJob, SchedulerState } from './state.js';

/** The first jobs in line, as the order is now. Costs what they and the shapes cost, not what all jobs would. */
export function firstInLine(state: SchedulerState, order: Order, most: number): PendingJob[] {
  const heads = new Heads(state, order);
  const line: PendingJob[] = [];
  for (let next = heads.first(); next && line.length < most; next = heads.first()) {
    line.push(next.job);
    heads.advance();
  }
  return line;
}
