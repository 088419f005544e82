export {
  type DeviceFacts,
  type DeviceSample,
  type Driver,
  DriverError,
  type DriverErrorCode,
  type DriverInfo,
  type Enumeration,
  openDriver,
} from './driver.js';
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
