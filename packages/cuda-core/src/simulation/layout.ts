import { createHash } from 'node:crypto';
import type { DescribedGpu, Description } from './description.js';
import { SimulationError } from './errors.js';

const MIB = 2 ** 20;
/** What a real driver keeps for itself on a device of this size. */
const RESERVE_BYTES = 600 * MIB;
const INSTANCE_RESERVE_BYTES = 25 * MIB;
/** Of an instance's share of the memory, what is left to it. */
const INSTANCE_SHARE = 0.95;
/** Of its most, how fast an idle device is clocked. */
const IDLE_SHARE = 0.6;

export interface SimulatedDevice {
  uuid: string;
  name: string;
  memoryBytes: number;
  computeCapability: string;
  pciAddress: string;
}

/** A device as the state file has it; names as in simulation_writer.cpp. */
export interface NativeSimulatedDevice {
  uuid: string;
  name: string;
  memoryBytes: number;
  reserveBytes: number;
  /** The place of a MIG instance's GPU in the list; null: a whole GPU. */
  parent: number | null;
  [figure: string]: string | number | null;
}

/**
 * The devices of a description, with the place of each in the box: GPUs in PCI order, each followed by its instances.
 * @throws SimulationError where two devices are to be in one place, or to have one UUID
 */
export function layOut({ gpus }: Description): {
  devices: SimulatedDevice[];
  native: NativeSimulatedDevice[];
} {
  const native: NativeSimulatedDevice[] = [];
  const devices: SimulatedDevice[] = [];
  const add = (device: NativeSimulatedDevice, { profile }: DescribedGpu, pciAddress: string): void => {
    native.push(device);
    const { uuid, name, memoryBytes } = device;
    devices.push({ uuid, name, memoryBytes, computeCapability: profile.computeCapability, pciAddress });
  };
  for (const [index, { gpu, uuid, pciAddress }] of placed(gpus).entries()) {
    const whole = gpuRecord(gpu, uuid, pciAddress, { index, count: gpus.length });
    // Links lead to others of the same board, or there are none.
    const linked = gpus.filter(({ part }) => part === gpu.part).length > 1;
    whole.nvlinks = linked ? gpu.profile.nvlinks : 0;
    const place = native.length;
    add(whole, gpu, pciAddress);
    for (const instance of instanceRecords(gpu, whole, place)) add(instance, gpu, pciAddress);
  }
  return { devices, native };
}

interface PlacedGpu {
  gpu: DescribedGpu;
  uuid: string;
  pciAddress: string;
}

/** The GPUs with what tells them apart, which is theirs by their place in the description, in PCI order. */
function placed(gpus: readonly DescribedGpu[]): PlacedGpu[] {
  const named = new Set(gpus.map(({ pciAddress }) => pciAddress));
  const placed = gpus.map((gpu, index) => {
    // Every third bus, or the next one where somebody has put another there.
    const free = [1, 2, 3].map((each) => addressOf(each + index * 3)).find((address) => !named.has(address));
    const uuid = gpu.uuid ?? `GPU-${uuidOf(`${gpu.model}/${index}`)}`;
    return { gpu, uuid, pciAddress: gpu.pciAddress ?? free ?? addressOf(1 + index * 3) };
  });
  checkDistinct(placed, 'uuid');
  checkDistinct(placed, 'pciAddress');
  // Addresses are all of one length, so their order as text is that of their numbers.
  return placed.sort((one, other) => (one.pciAddress < other.pciAddress ? -1 : 1));
}

function checkDistinct(gpus: readonly PlacedGpu[], field: 'uuid' | 'pciAddress'): void {
  const seen = new Map<string, number>();
  for (const [index, { [field]: value }] of gpus.entries()) {
    const before = seen.get(value);
    if (before !== undefined)
      throw new SimulationError(`GPUs ${before} and ${index} have the same ${field}, ${value}`);
    seen.set(value, index);
  }
}

function gpuRecord(
  gpu: DescribedGpu,
  uuid: string,
  pciAddress: string,
  { index, count }: { index: number; count: number },
): NativeSimulatedDevice {
  const { profile } = gpu;
  const [domain, bus, device] = pciAddress.split(/[:.]/).map((part) => Number.parseInt(part, 16));
  const [computeMajor, computeMinor] = profile.computeCapability.split('.').map(Number);
  const { limit, least, most } = profile.powerWatts;
  const divisible = Object.keys(profile.mig).length > 0;
  return {
    uuid,
    name: profile.name,
    memoryBytes: profile.memoryMiB * MIB,
    reserveBytes: Math.min(RESERVE_BYTES, (profile.memoryMiB * MIB) / 8),
    parent: null,
    computeMajor: computeMajor as number,
    computeMinor: computeMinor as number,
    pciDomain: domain as number,
    pciBus: bus as number,
    pciDevice: device as number,
    architecture: profile.architecture,
    // As in a box with two sockets: the first half near the one, the second half near the other, two on a switch.
    numaNode: gpu.numaNode ?? (count > 1 && index >= count / 2 ? 1 : 0),
    pcieSwitch: index >> 1,
    nvswitch: gpu.part,
    multiprocessors: profile.multiprocessors,
    ecc: profile.ecc ? 1 : 0,
    powerLimitMilliwatts: limit * 1000,
    powerLeastMilliwatts: least * 1000,
    powerMostMilliwatts: most * 1000,
    slowdownCelsius: profile.slowdownCelsius,
    mostGraphicsMegahertz: profile.graphicsMegahertz,
    mostSmMegahertz: profile.graphicsMegahertz,
    mostMemoryMegahertz: profile.memoryMegahertz,
    migCapable: divisible ? 1 : 0,
    migEnabled: gpu.mig ? 1 : 0,
    temperatureCelsius: 34,
    // Stacked memory has a sensor; it is on the boards that can be divided.
    memoryTemperatureCelsius: divisible ? 40 : 0,
    powerMilliwatts: Math.min(70_000, limit * 500),
    smMegahertz: Math.round(profile.graphicsMegahertz * IDLE_SHARE),
  };
}

function instanceRecords(
  { mig, profile }: DescribedGpu,
  gpu: NativeSimulatedDevice,
  parent: number,
): NativeSimulatedDevice[] {
  const seen = new Map<number, number>();
  return (mig ?? []).map(({ name, profile: { computeSlices, memorySlices } }, index) => {
    const nth = seen.get(computeSlices) ?? 0;
    seen.set(computeSlices, nth + 1);
    return {
      ...gpu,
      uuid: `MIG-${uuidOf(`${gpu.uuid}/${index}/${name}`)}`,
      name: `${gpu.name} MIG ${name}`,
      memoryBytes: Math.floor((profile.memoryMiB * memorySlices * INSTANCE_SHARE) / 8) * MIB,
      reserveBytes: INSTANCE_RESERVE_BYTES,
      parent,
      migEnabled: 0,
      nvlinks: 0,
      multiprocessors: name.startsWith('7g')
        ? profile.multiprocessors
        : computeSlices * profile.sliceMultiprocessors,
      migIndex: index,
      // As the driver numbers them: the smallest from 7 on.
      gpuInstance:
        computeSlices === 7 ? 0 : computeSlices === 1 ? 7 + nth : computeSlices === 2 ? 3 + nth : 1 + nth,
      computeInstance: 0,
      gpuSlices: computeSlices,
      computeSlices,
    };
  });
}

function addressOf(bus: number): string {
  return `00000000:${bus.toString(16).padStart(2, '0')}:00.0`;
}

function uuidOf(seed: string): string {
  const digits = createHash('sha256').update(seed).digest('hex');
  const parts = [digits.slice(0, 8), digits.slice(8, 12), digits.slice(12, 16), digits.slice(16, 20)];
  return [...parts, digits.slice(20, 32)].join('-');
}
