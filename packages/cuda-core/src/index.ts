export { readContainerMask } from './container-mask.js';
export { type CudaDevice, type CudaView, probeCuda } from './cuda-probe.js';
export { type Driver, openDriver, SAMPLE_PATIENCE_MS } from './driver.js';
export { DeviceUnresponsive, DriverError, type DriverErrorCode } from './driver-errors.js';
export {
  type Clocks,
  type ComputeMode,
  type DeviceEvent,
  type DeviceFacts,
  type DeviceSample,
  type DriverInfo,
  type Enumeration,
  LINK_PATHS,
  type LinkFacts,
  type LinkPath,
  type MigFacts,
  type ProcessSample,
  type RemappedRows,
} from './facts.js';
export {
  type MaskDevice,
  type MaskProblem,
  type MaskRequest,
  parseRequest,
  readMask,
  type VisibleDevices,
} from './mask.js';
export { changeSimulation, type SimulationChange } from './simulation/change.js';
export { SimulationError } from './simulation/errors.js';
export type { SimulatedDevice } from './simulation/layout.js';
export { createSimulation, parseSimulation, type Simulation } from './simulation/simulation.js';
export { KNOWN_XIDS, meaningOfXid, type XidMeaning, type XidVerdict } from './xid.js';
