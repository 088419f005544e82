export { type Decision, decide, type Placement } from './decide.js';
export {
  type Allocation,
  apply,
  emptyState,
  type Needs,
  type PendingJob,
  type SchedulableDevice,
  type SchedulerEvent,
  type SchedulerState,
  shapeKey,
} from './state.js';
