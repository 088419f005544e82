export { type Decision, decide, PLANNED_SECONDS, type Placement } from './decide.js';
export { type Explanation, explain, type Verdict } from './explain.js';
export { fits } from './feasible.js';
export { describe } from './pending-reason.js';
export type { Clock } from './reservation.js';
export {
  type Allocation,
  apply,
  type Constraints,
  emptyState,
  type Needs,
  type PendingJob,
  type SchedulableDevice,
  type SchedulerEvent,
  type SchedulerState,
  shapeKey,
} from './state.js';
