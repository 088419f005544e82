export { type Account, accountNamed, accountOf, type Peer, peerOf } from './account.js';
export {
  baseOfGroups,
  CONTROLLERS,
  type ControlGroups,
  type Controller,
  endTaskGroup,
  groupFacts,
  type Limits,
  makeTaskGroup,
  NoControlGroups,
  openControlGroups,
  surveyControlGroups,
} from './control-groups.js';
export { freeBeginning } from './file-space.js';
export { type KeptProcess, keepRunning } from './keep-running.js';
export { type HeldLock, isLocked, LockError, signalHolder, tryLock, waitForLock } from './lock.js';
export { type LogChunk, type LogRead, openLog, type TaskLog } from './log.js';
export { type Order, type OrderRecord, orderShim, readOrders } from './order.js';
export { type Beat, beat, endWhenStill, lastBeat } from './pulse.js';
export {
  type ExitRecord,
  isOfThisBoot,
  readExitRecord,
  readStartRecord,
  type StartRecord,
  writeTombstone,
} from './records.js';
export { type ShimOptions, shimPath, startShim, sweepTask } from './shim.js';
export { type DetachedProcess, type Ending, endingOf, SpawnError, spawnDetached } from './spawn.js';
