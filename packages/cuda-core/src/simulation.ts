import { createHash } from 'node:crypto';
import { native, SIMULATED_LIBRARIES } from './native.js';

const MOST_DEVICES = 64;
const LONGEST_SPEC = 4096;
const MIB = 2 ** 20;

/** Names and memory as NVML gives them. */
const PROFILES: Record<string, { name: string; memoryMiB: number; computeCapability: string }> = {
  'H200-141GB': { name: 'NVIDIA H200', memoryMiB: 143_771, computeCapability: '9.0' },
  'H100-80GB': { name: 'NVIDIA H100 80GB HBM3', memoryMiB: 81_559, computeCapability: '9.0' },
  'A100-80GB': { name: 'NVIDIA A100-SXM4-80GB', memoryMiB: 81_920, computeCapability: '8.0' },
  'A100-40GB': { name: 'NVIDIA A100-SXM4-40GB', memoryMiB: 40_960, computeCapability: '8.0' },
  'L40S-48GB': { name: 'NVIDIA L40S', memoryMiB: 46_068, computeCapability: '8.9' },
  'A10-24GB': { name: 'NVIDIA A10', memoryMiB: 23_028, computeCapability: '8.6' },
  'RTX4090-24GB': { name: 'NVIDIA GeForce RTX 4090', memoryMiB: 24_564, computeCapability: '8.9' },
  'T4-16GB': { name: 'Tesla T4', memoryMiB: 15_360, computeCapability: '7.5' },
};

export interface SimulatedDevice {
  uuid: string;
  name: string;
  memoryBytes: number;
  computeCapability: string;
  pciAddress: string;
}

/** A description of simulated devices is wrong; the message says how, and what there is. */
export class SimulationError extends Error {
  override readonly name = 'SimulationError';
}

/** What it takes to meet the simulated driver: in this process, or in a child. */
export interface Simulation {
  /** For `openDriver`. */
  libraryDirectory: string;
  /** To be put into the environment before the driver is opened. */
  environment: Record<string, string>;
  devices: SimulatedDevice[];
}

/**
 * Reads a description such as `2xH100-80GB` or `1xT4+2xA100-40GB`. Same description, same UUIDs.
 * @throws SimulationError
 */
export function parseSimulation(spec: string): SimulatedDevice[] {
  const shown = spec.length > 60 ? `${spec.slice(0, 60)}…` : spec;
  if (spec.length > LONGEST_SPEC) {
    throw new SimulationError(
      `'${shown}' describes no devices: it is longer than any description of ${MOST_DEVICES} needs to be`,
    );
  }
  const profiles: string[] = [];
  for (const part of spec.split('+')) {
    const match = /^\s*(\d{1,4})\s*x\s*([A-Za-z0-9-]{1,32})\s*$/i.exec(part);
    if (!match)
      throw new SimulationError(
        `'${shown}' describes no devices; write for example 2xH100-80GB, or 1xT4+2xA100-40GB`,
      );
    const count = Number(match[1]);
    if (count < 1 || profiles.length + count > MOST_DEVICES) {
      throw new SimulationError(
        `'${shown}' asks for too few or too many devices: 1 to ${MOST_DEVICES} can be simulated`,
      );
    }
    const profile = profileNamed(match[2] as string);
    for (let i = 0; i < count; i += 1) profiles.push(profile);
  }
  return profiles.map(simulatedDevice);
}

function profileNamed(model: string): string {
  const wanted = model.toUpperCase();
  const names = Object.keys(PROFILES);
  const matches = names.filter((name) => name === wanted || name.startsWith(`${wanted}-`));
  if (matches.length === 1) return matches[0] as string;
  const known = names.join(', ');
  throw new SimulationError(
    matches.length > 1
      ? `${model} comes in several sizes; name one of ${matches.join(', ')}`
      : `no model ${model} can be simulated; there are ${known}`,
  );
}

function simulatedDevice(profile: string, index: number): SimulatedDevice {
  const { name, memoryMiB, computeCapability } = PROFILES[profile] as (typeof PROFILES)[string];
  const digits = createHash('sha256').update(`${profile}/${index}`).digest('hex');
  const uuid = [
    digits.slice(0, 8),
    digits.slice(8, 12),
    digits.slice(12, 16),
    digits.slice(16, 20),
    digits.slice(20, 32),
  ];
  const bus = busOf(index).toString(16).padStart(2, '0');
  return {
    uuid: `GPU-${uuid.join('-')}`,
    name,
    memoryBytes: memoryMiB * MIB,
    computeCapability,
    pciAddress: `00000000:${bus}:00.0`,
  };
}

const busOf = (index: number): number => 1 + index * 3;

/**
 * Makes the simulated devices' state, in a file that the simulated driver maps, in this process and in others. A file that
 * holds the same devices already is kept as it is: whoever has it mapped goes on seeing what the others see.
 * @throws SimulationError
 */
export function createSimulation(spec: string, stateFile: string): Simulation {
  const devices = parseSimulation(spec);
  const present = native().simulatedUuids(stateFile);
  if (present?.join() !== devices.map(({ uuid }) => uuid).join()) {
    native().writeSimulation(
      stateFile,
      devices.map(({ uuid, name, memoryBytes, computeCapability }, index) => {
        const [computeMajor, computeMinor] = computeCapability.split('.').map(Number) as [number, number];
        return { uuid, name, memoryBytes, computeMajor, computeMinor, pciBus: busOf(index) };
      }),
    );
  }
  return {
    libraryDirectory: SIMULATED_LIBRARIES,
    environment: { BERTH_SIMULATED_STATE: stateFile },
    devices,
  };
}

/** What may be changed of a running simulation. */
export interface SimulationChange {
  /** By its index. */
  device?: number;
  /** 0 … 100. */
  utilisationPercent?: number;
  temperatureCelsius?: number;
  powerMilliwatts?: number;
  /** What a process has taken on the device: 0 takes it away, null is memory that the driver doesn't tell. */
  process?: { pid: number; memoryBytes: number | null };
  /** What NVML answers from now on when it is asked for the device, such as 15: it is lost. */
  handleResult?: number;
  /** What NVML answers to questions for the device's figures, such as 3: not supported. */
  figuresResult?: number;
  /** What nvmlInit answers, such as 18 for a version mismatch. */
  initResult?: number;
  /** What NVML answers when it is asked how many devices there are. */
  countResult?: number;
  /** How long it takes to answer that: a driver that hangs. */
  delayMilliseconds?: number;
}

/**
 * Changes the simulated devices under whoever looks at them.
 * @throws SimulationError where a figure is none; Error where the file or the device isn't there, or a device is full
 */
export function changeSimulation(stateFile: string, change: SimulationChange): void {
  const { process, ...figures } = change;
  for (const [name, figure] of Object.entries(figures)) checkFigure(name, figure, 2 ** 32 - 1);
  if (process) {
    if (process.pid === 0) throw new SimulationError('pid is 0: that is no process');
    checkFigure('pid', process.pid, 2 ** 32 - 1);
    if (process.memoryBytes !== null)
      checkFigure('memoryBytes', process.memoryBytes, Number.MAX_SAFE_INTEGER);
  }
  const needsDevice = process ?? (Object.keys(figures) as (keyof SimulationChange)[]).find(isOfDevice);
  if (needsDevice && change.device === undefined) {
    throw new SimulationError('a figure of a device is to be changed, but no device is named');
  }
  native().changeSimulation(stateFile, change);
}

const OF_DRIVER: readonly (keyof SimulationChange)[] = [
  'initResult',
  'countResult',
  'delayMilliseconds',
  'device',
];
const isOfDevice = (name: keyof SimulationChange): boolean => !OF_DRIVER.includes(name);

function checkFigure(name: string, figure: number, most: number): void {
  if (Number.isInteger(figure) && figure >= 0 && figure <= most) return;
  throw new SimulationError(`${name} is ${figure}: it must be a whole number from 0 to ${most}`);
}
