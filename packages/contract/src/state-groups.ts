import type { JobState } from './job-state.js';

export const ENDED_STATES = ['succeeded', 'failed', 'cancelled'] as const satisfies readonly JobState[];
export const ACTIVE_STATES = ['starting', 'running', 'stopping'] as const satisfies readonly JobState[];

/** Whether nothing happens to a job any more, unless somebody requeues it. */
export function isEnded(state: JobState): boolean {
  return (ENDED_STATES as readonly JobState[]).includes(state);
}
