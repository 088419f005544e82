export { type Driver, DriverError, type DriverErrorCode, openDriver } from './driver.js';
export type { DeviceFacts, DeviceSample, DriverInfo, Enumeration } from './facts.js';
export {
  type MaskDevice,
  type MaskProblem,
  type MaskRequest,
  parseRequest,
  readMask,
  type VisibleDevices,
} from './mask.js';
export {
  changeSimulation,
  createSimulation,
  parseSimulation,
  type SimulatedDevice,
  type Simulation,
  type SimulationChange,
  SimulationError,
} from './simulation.js';
