/** What doesn't change of a device. A null is a figure that the driver doesn't give. */
export interface DeviceFacts {
  uuid: string;
  /** In PCI order, as CUDA counts with CUDA_DEVICE_ORDER=PCI_BUS_ID. */
  index: number;
  name: string;
  memoryTotalBytes: number | null;
  /** Such as `9.0`. */
  computeCapability: string | null;
  /** `domain:bus:device.function`, such as `00000000:41:00.0`. */
  pciAddress: string | null;
}

export interface DriverInfo {
  driverVersion: string | null;
  /** The newest CUDA that the driver runs, such as `12.8`. */
  cudaVersion: string | null;
  nvmlVersion: string | null;
  simulated: boolean;
}

export interface Enumeration {
  driver: DriverInfo;
  devices: DeviceFacts[];
}

export interface DeviceSample {
  uuid: string;
  /** ms since the epoch, when the device was asked: not when the answer was read. */
  takenAt: number;
  memoryUsedBytes: number | null;
  memoryFreeBytes: number | null;
  /** 0 … 1: the share of time in which a kernel ran (NVML's nvmlUtilization_t). */
  utilisation: number | null;
  temperatureCelsius: number | null;
  powerWatts: number | null;
  /** null: the driver doesn't say. Memory is null where a process' isn't told. */
  processes: { pid: number; memoryBytes: number | null }[] | null;
}
