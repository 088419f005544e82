export { type Decision, decide } from './decide.js';
export { type Explanation, explain, type Verdict } from './explain.js';
export { byNode, fits, holds } from './feasible.js';
export { forecast, type PlannedStay } from './forecast.js';
export { firstInLine } from './in-line.js';
export { type KeptWaiting, keptWaiting } from './kept-waiting.js';
export { bytesOf, capacityOf, gpusOf } from './occupancy.js';
export { Order } from './order.js';
export { describe } from './pending-reason.js';
export type { Placement } from './plan.js';
export { DEFAULT_POLICY, type Policy, policyOf, saidOf, type UserPolicy } from './policy.js';
export { countAhead } from './position.js';
export type { Preemption } from './preemption.js';
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
  type Share,
  shapeKey,
} from './state.js';
export { decayed, type Usage, worth } from './usage.js';
