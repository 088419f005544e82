/** Where a MIG instance is (NVIDIA MIG User Guide, "Concepts"). */
export interface MigFacts {
  /** The UUID of its GPU. */
  parent: string;
  /** As nvidia-smi counts the instances of one GPU. */
  index: number;
  /** Such as `1g.10gb`. */
  profile: string | null;
  gpuInstance: number | null;
  computeInstance: number | null;
}

/** What a path between two GPUs crosses at the most (NVML, nvmlGpuTopologyLevel_t), the shortest first. */
export const LINK_PATHS = [
  'internal',
  'singleSwitch',
  'multipleSwitches',
  'hostBridge',
  'node',
  'system',
] as const;
export type LinkPath = (typeof LINK_PATHS)[number];

/** How a GPU reaches another. */
export interface LinkFacts {
  /** The other one's UUID. */
  device: string;
  /** 0: none; null: the driver doesn't say. */
  nvlinks: number | null;
  path: LinkPath | null;
}

export type ComputeMode = 'default' | 'exclusiveThread' | 'prohibited' | 'exclusiveProcess';

export interface Clocks {
  graphicsMegahertz: number | null;
  smMegahertz: number | null;
  memoryMegahertz: number | null;
}

/** What doesn't change of a device, or only by an administrator's hand. A null is a figure that the driver doesn't give. */
export interface DeviceFacts {
  uuid: string;
  /** Of the GPU, in PCI order, as CUDA counts with CUDA_DEVICE_ORDER=PCI_BUS_ID. The instances of one GPU share it. */
  index: number;
  name: string;
  /** null: a whole GPU. */
  mig: MigFacts | null;
  /** Of a GPU: whether it is divided into MIG instances. Such a GPU runs nothing itself. */
  migEnabled: boolean | null;
  memoryTotalBytes: number | null;
  /** Such as `9.0`. */
  computeCapability: string | null;
  /** Such as `Hopper`. */
  architecture: string | null;
  /** `domain:bus:device.function`, such as `00000000:41:00.0`. */
  pciAddress: string | null;
  /** Of /dev/nvidia<n>. */
  minorNumber: number | null;
  numaNode: number | null;
  /** The CPUs that are near it, such as `0-15,32-47`. */
  cpuAffinity: string | null;
  computeMode: ComputeMode | null;
  persistenceMode: boolean | null;
  eccEnabled: boolean | null;
  powerLimitWatts: number | null;
  /** Between which limits the limit may be set. */
  powerLimitRangeWatts: { least: number; most: number } | null;
  /** At which it slows itself down. */
  slowdownCelsius: number | null;
  maxClocks: Clocks;
  /** To each other GPU of the host; none for a MIG instance. */
  links: LinkFacts[];
}

export interface DriverInfo {
  driverVersion: string | null;
  /** The newest CUDA that the driver runs, such as `12.8`. */
  cudaVersion: string | null;
  nvmlVersion: string | null;
  simulated: boolean;
  /** GPUs that the driver counts but that can't be asked for anything: they have fallen off the bus. */
  unreachable: number;
}

export interface Enumeration {
  driver: DriverInfo;
  /** GPUs in PCI order, each followed by its MIG instances. */
  devices: DeviceFacts[];
  /** One for each GPU that was not answered for in time: kept when it is. */
  pending: Promise<unknown>[];
}

export interface ProcessSample {
  pid: number;
  kind: 'compute' | 'graphics' | 'mps';
  /** null: the driver doesn't tell. */
  memoryBytes: number | null;
}

export interface RemappedRows {
  correctable: number;
  uncorrectable: number;
  /** Some wait for the device's next reset. */
  pending: boolean;
  /** The device has no spare rows left. */
  failed: boolean;
}

/** Over all NVLinks of a device, since the driver was loaded. */
export interface NvlinkCounters {
  transmittedBytes: number | null;
  receivedBytes: number | null;
  flitCrcErrors: number | null;
  dataCrcErrors: number | null;
  replays: number | null;
  recoveries: number | null;
}

/** What a device does now. */
export interface DeviceSample {
  uuid: string;
  /** ms since the epoch, when the device was asked: not when the answer was read. */
  takenAt: number;
  /** The driver says that the device has fallen off the bus; what else there is may be incomplete. */
  lost: boolean;
  /** Without what the driver keeps for itself, where it tells that apart. */
  memoryUsedBytes: number | null;
  memoryFreeBytes: number | null;
  memoryReservedBytes: number | null;
  /** 0 … 1: the share of time in which a kernel ran (NVML's nvmlUtilization_t). */
  utilisation: number | null;
  /** 0 … 1: the share of time in which memory was read or written. */
  memoryUtilisation: number | null;
  /** Of the board, for a MIG instance too. */
  temperatureCelsius: number | null;
  /** null for a MIG instance: only the board's is known. */
  powerWatts: number | null;
  clocks: Clocks;
  /** Why its clocks are lower than they could be; null: the driver doesn't say. */
  throttled: string[] | null;
  /** Errors since the driver was loaded. */
  ecc: { corrected: number | null; uncorrected: number | null };
  remappedRows: RemappedRows | null;
  /** Of the board, for a MIG instance too; null where it has no sensor. */
  memoryTemperatureCelsius: number | null;
  /** Since the driver was loaded; null for a MIG instance, as what follows. */
  energyJoules: number | null;
  /** Packets that were sent again since the driver was loaded. */
  pcieReplays: number | null;
  /** null: it has no links. */
  nvlink: NvlinkCounters | null;
  /** null: the driver doesn't say. */
  processes: ProcessSample[] | null;
}

/** What the driver told by itself. */
export interface DeviceEvent {
  /** Of the GPU. */
  uuid: string;
  kind: 'xid' | 'doubleBitEcc' | 'other';
  /** The XID's number; null for other kinds. */
  xid: number | null;
}
