import type {
  Clocks,
  ComputeMode,
  DeviceEvent,
  DeviceFacts,
  DeviceSample,
  DriverInfo,
  LinkPath,
  MigFacts,
  ProcessSample,
  RemappedRows,
} from './facts.js';

/*
 * The addon's answers have NVML's own numbers in them; here they get their meaning. The numbers are those of nvml.h and
 * of the NVML API Reference Guide, "Device Enums" and "Clocks Event Reasons".
 */

type Figure = number | null;

export interface RawDeviceFacts {
  uuid: string;
  index: number;
  name: string;
  mig: (Omit<MigFacts, 'profile'> & { gpuSlices: Figure; computeSlices: Figure }) | null;
  migMode: boolean | null;
  memoryTotalBytes: Figure;
  computeCapability: string | null;
  architecture: Figure;
  pciAddress: string | null;
  minorNumber: Figure;
  numaNode: Figure;
  cpus: number[] | null;
  computeMode: Figure;
  persistenceMode: boolean | null;
  eccEnabled: boolean | null;
  powerLimitWatts: Figure;
  powerLimitLeastWatts: Figure;
  powerLimitMostWatts: Figure;
  slowdownCelsius: Figure;
  mostGraphicsMegahertz: Figure;
  mostSmMegahertz: Figure;
  mostMemoryMegahertz: Figure;
}

export interface RawLink {
  uuid: string;
  nvlinks: Figure;
  topologyLevel: Figure;
}

export type RawDriverFacts = Omit<DriverInfo, 'unreachable'>;

export interface RawSample extends Omit<DeviceSample, 'clocks' | 'throttled' | 'ecc' | 'nvlink'> {
  graphicsMegahertz: Figure;
  smMegahertz: Figure;
  memoryMegahertz: Figure;
  throttleReasons: Figure;
  eccCorrected: Figure;
  eccUncorrected: Figure;
  nvlinkTransmittedBytes: Figure;
  nvlinkReceivedBytes: Figure;
  nvlinkFlitCrcErrors: Figure;
  nvlinkDataCrcErrors: Figure;
  nvlinkReplays: Figure;
  nvlinkRecoveries: Figure;
  remappedRows: RemappedRows | null;
  processes: ProcessSample[] | null;
}

export interface RawEvent {
  uuid: string;
  type: number;
  data: number;
}

/** nvmlDeviceArchitecture_t */
const ARCHITECTURES: Record<number, string> = {
  2: 'Kepler',
  3: 'Maxwell',
  4: 'Pascal',
  5: 'Volta',
  6: 'Turing',
  7: 'Ampere',
  8: 'Ada',
  9: 'Hopper',
  10: 'Blackwell',
};

/** nvmlComputeMode_t */
const COMPUTE_MODES: Record<number, ComputeMode> = {
  0: 'default',
  1: 'exclusiveThread',
  2: 'prohibited',
  3: 'exclusiveProcess',
};

/** nvmlGpuTopologyLevel_t */
const PATHS: Record<number, LinkPath> = {
  0: 'internal',
  10: 'singleSwitch',
  20: 'multipleSwitches',
  30: 'hostBridge',
  40: 'node',
  50: 'system',
};

/** nvmlClocksEventReasons, without 'idle' and those that somebody has chosen: they are no trouble. */
const THROTTLE_REASONS: readonly [bit: number, words: string][] = [
  [0x4, 'power limit'],
  [0x8, 'hardware slowdown'],
  [0x10, 'synchronised with others'],
  [0x20, 'too hot (driver)'],
  [0x40, 'too hot (hardware)'],
  [0x80, 'power brake'],
];

/** nvmlEventType… */
const DOUBLE_BIT_ECC = 0x2;
const XID = 0x8;

/** @param index in PCI order */
export function deviceFacts(raw: RawDeviceFacts, index: number, links: readonly RawLink[]): DeviceFacts {
  const { mig, powerLimitLeastWatts: least, powerLimitMostWatts: most } = raw;
  return {
    uuid: raw.uuid,
    index,
    name: raw.name,
    mig: mig && {
      parent: mig.parent,
      index: mig.index,
      profile: migProfile(raw.name),
      gpuInstance: mig.gpuInstance,
      computeInstance: mig.computeInstance,
    },
    migEnabled: mig ? null : raw.migMode,
    memoryTotalBytes: raw.memoryTotalBytes,
    computeCapability: raw.computeCapability,
    architecture: named(ARCHITECTURES, raw.architecture),
    pciAddress: raw.pciAddress,
    minorNumber: raw.minorNumber,
    numaNode: raw.numaNode,
    cpuAffinity: raw.cpus && ranges(raw.cpus),
    computeMode: named(COMPUTE_MODES, raw.computeMode),
    persistenceMode: raw.persistenceMode,
    eccEnabled: raw.eccEnabled,
    powerLimitWatts: raw.powerLimitWatts,
    powerLimitRangeWatts: least === null || most === null ? null : { least, most },
    slowdownCelsius: raw.slowdownCelsius,
    maxClocks: {
      graphicsMegahertz: raw.mostGraphicsMegahertz,
      smMegahertz: raw.mostSmMegahertz,
      memoryMegahertz: raw.mostMemoryMegahertz,
    },
    links: links.map(({ uuid, nvlinks, topologyLevel }) => ({
      device: uuid,
      nvlinks,
      path: named(PATHS, topologyLevel),
    })),
  };
}

export function deviceSample(raw: RawSample): DeviceSample {
  const {
    graphicsMegahertz,
    smMegahertz,
    memoryMegahertz,
    throttleReasons,
    eccCorrected,
    eccUncorrected,
    memoryTemperatureCelsius,
    nvlinkTransmittedBytes: transmittedBytes,
    nvlinkReceivedBytes: receivedBytes,
    nvlinkFlitCrcErrors: flitCrcErrors,
    nvlinkDataCrcErrors: dataCrcErrors,
    nvlinkReplays: replays,
    nvlinkRecoveries: recoveries,
    ...figures
  } = raw;
  const clocks: Clocks = { graphicsMegahertz, smMegahertz, memoryMegahertz };
  const ecc = { corrected: eccCorrected, uncorrected: eccUncorrected };
  const nvlink = { transmittedBytes, receivedBytes, flitCrcErrors, dataCrcErrors, replays, recoveries };
  return {
    ...figures,
    clocks,
    throttled: throttleReasons === null ? null : throttledBy(throttleReasons),
    ecc,
    // Boards whose memory has no sensor say 0.
    memoryTemperatureCelsius: memoryTemperatureCelsius || null,
    nvlink: Object.values(nvlink).some((counter) => counter !== null) ? nvlink : null,
  };
}

export function deviceEvent({ uuid, type, data }: RawEvent): DeviceEvent {
  if (type === XID) return { uuid, kind: 'xid', xid: data };
  return { uuid, kind: type === DOUBLE_BIT_ECC ? 'doubleBitEcc' : 'other', xid: null };
}

function named<Name>(names: Record<number, Name>, number: Figure): Name | null {
  return number === null ? null : (names[number] ?? null);
}

/** NVML says it in the name alone: `NVIDIA A100-SXM4-40GB MIG 1g.5gb`. */
function migProfile(name: string): string | null {
  return / MIG (\S+)$/.exec(name)?.[1] ?? null;
}

function throttledBy(reasons: number): string[] {
  return THROTTLE_REASONS.filter(([bit]) => (reasons & bit) !== 0).map(([, words]) => words);
}

/** Ascending numbers as taskset and numactl write them: `0-3,8`. */
function ranges(numbers: readonly number[]): string {
  const parts: [first: number, last: number][] = [];
  for (const number of numbers) {
    const open = parts.at(-1);
    if (open && open[1] === number - 1) open[1] = number;
    else parts.push([number, number]);
  }
  return parts.map(([first, last]) => (first === last ? first : `${first}-${last}`)).join(',');
}
