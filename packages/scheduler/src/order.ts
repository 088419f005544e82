import type { PendingJob } from './state.js';

/** The order of the queue: priority, then submission. A job that is put in line again keeps its age. */
export function goesBefore(one: PendingJob, other: PendingJob): boolean {
  return one.needs.priority !== other.needs.priority
    ? one.needs.priority > other.needs.priority
    : one.number < other.number;
}
