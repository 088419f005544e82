import {
  checkCount,
  checkRoom,
  type DescribedGpu,
  type Description,
  DRIVER,
  instancesOf,
  profileNamed,
} from './description.js';
import { SimulationError } from './errors.js';
import type { Profile } from './profiles.js';

const MIB = 2 ** 20;
/** NVML_NVLINK_MAX_LINKS */
const MOST_LINKS = 18;
const UNITS: Record<string, number> = { MIB: 1, GIB: 1024 };

type Fields = Record<string, unknown>;

/**
 * Reads a description in JSON: `{"driverVersion", "cudaVersion", "devices": [{"model" | "name", "memory",
 * "computeCapability", "count", "uuid", "pciAddress", "numaNode", "links", "mig": ["1g.10gb"]}]}`, or the list of devices
 * alone. What isn't said of a device is as its model has it; `links` says how many NVLinks each of these `count` GPUs has.
 * @throws SimulationError that names the field
 */
export function readJson(text: string): Description {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw new SimulationError(`the description is no JSON: ${(error as Error).message.slice(0, 200)}`);
  }
  const top = Array.isArray(json) ? { devices: json } : fieldsOf(json, 'the description');
  allow(top, ['driverVersion', 'cudaVersion', 'devices'], 'the description');
  if (!Array.isArray(top.devices) || top.devices.length === 0) fail('devices', 'must be a list of devices');
  const gpus: DescribedGpu[] = [];
  for (const [i, each] of (top.devices as unknown[]).entries()) {
    const at = `devices[${i}]`;
    const device = fieldsOf(each, at);
    const count = device.count === undefined ? 1 : whole(device.count, `${at}.count`, 1, 1000);
    checkCount(count, gpus.length, at);
    const gpu = { ...readDevice(device, at), part: i };
    if (count > 1 && (gpu.uuid ?? gpu.pciAddress) !== undefined)
      fail(at, 'has a uuid or a pciAddress, so it can be there once only');
    for (let n = 0; n < count; n += 1) gpus.push(gpu);
  }
  checkRoom(gpus);
  return {
    driverVersion:
      textOf(top.driverVersion, 'driverVersion', /^\d{1,4}(\.\d{1,4}){1,3}$/) ?? DRIVER.driverVersion,
    cudaVersion: textOf(top.cudaVersion, 'cudaVersion', /^\d{1,2}\.\d{1,2}$/) ?? DRIVER.cudaVersion,
    gpus,
  };
}

function readDevice(device: Fields, at: string): Omit<DescribedGpu, 'part'> {
  const known = [
    'model',
    'name',
    'memory',
    'computeCapability',
    'count',
    'uuid',
    'pciAddress',
    'numaNode',
    'links',
    'mig',
  ];
  allow(device, known, at);
  const base = baseOf(device, at);
  const name = textOf(device.name, `${at}.name`, /^[\x20-\x7e]{1,90}$/);
  const capability = textOf(device.computeCapability, `${at}.computeCapability`, /^\d{1,2}\.\d$/);
  const profile: Profile = {
    ...base.profile,
    ...(name === undefined ? {} : { name }),
    ...(capability === undefined ? {} : { computeCapability: capability }),
    ...(device.links === undefined ? {} : { nvlinks: whole(device.links, `${at}.links`, 0, MOST_LINKS) }),
    ...(device.memory === undefined ? {} : { memoryMiB: memoryMiB(device.memory, `${at}.memory`) }),
  };
  const uuid = textOf(device.uuid, `${at}.uuid`, /^GPU-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
  const pciAddress = textOf(
    device.pciAddress,
    `${at}.pciAddress`,
    /^[0-9a-f]{8}:[0-9a-f]{2}:[01][0-9a-f]\.0$/,
  );
  const numaNode = device.numaNode === undefined ? undefined : whole(device.numaNode, `${at}.numaNode`, 0, 1);
  return {
    model: base.model,
    profile,
    mig: device.mig === undefined ? null : readMig(device.mig, at, base.model, profile),
    ...(uuid === undefined ? {} : { uuid }),
    ...(pciAddress === undefined ? {} : { pciAddress }),
    ...(numaNode === undefined ? {} : { numaNode }),
  };
}

/** The model that a description starts from; one that names none has to say the rest itself. */
function baseOf(device: Fields, at: string): { model: string; profile: Profile } {
  if (device.model !== undefined) {
    try {
      return profileNamed(textOf(device.model, `${at}.model`, /^[A-Za-z0-9-]{1,32}$/) as string);
    } catch (error) {
      return fail(`${at}.model`, (error as Error).message);
    }
  }
  for (const field of ['name', 'memory', 'computeCapability']) {
    if (device[field] === undefined) fail(`${at}.${field}`, 'is missing; name it, or a model to start from');
  }
  const { model, profile } = profileNamed('T4');
  return { model: `${String(device.name)}/${model}`, profile };
}

function readMig(value: unknown, at: string, model: string, profile: Profile): DescribedGpu['mig'] {
  if (!Array.isArray(value) || value.length > 7 || !value.every((each) => typeof each === 'string'))
    return fail(`${at}.mig`, 'must be a list of at most seven profiles, such as ["3g.40gb", "1g.10gb"]');
  try {
    return instancesOf(value as string[], model, profile);
  } catch (error) {
    return fail(`${at}.mig`, (error as Error).message);
  }
}

function memoryMiB(value: unknown, at: string): number {
  if (typeof value === 'number') return Math.floor(whole(value, at, 2 * MIB, 2 ** 50) / MIB);
  const match = typeof value === 'string' ? /^(\d{1,7})\s*(MiB|GiB)$/i.exec(value) : null;
  if (!match) return fail(at, 'must be bytes, or text such as "80GiB"');
  return whole(Number(match[1]) * (UNITS[(match[2] as string).toUpperCase()] as number), at, 2, 2 ** 30);
}

function fieldsOf(value: unknown, at: string): Fields {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Fields;
  return fail(at, 'must be an object with named fields');
}

function allow(fields: Fields, known: readonly string[], at: string): void {
  for (const name of Object.keys(fields)) {
    if (!known.includes(name)) fail(at, `has no field '${name.slice(0, 40)}'; there are ${known.join(', ')}`);
  }
}

function textOf(value: unknown, at: string, form: RegExp): string | undefined {
  if (value === undefined) return undefined;
  if (typeof value === 'string' && form.test(value)) return value;
  return fail(at, `must be text of the form ${form.source}`);
}

function whole(value: unknown, at: string, least: number, most: number): number {
  if (Number.isInteger(value) && (value as number) >= least && (value as number) <= most)
    return value as number;
  return fail(at, `must be a whole number from ${least} to ${most}`);
}

function fail(at: string, what: string): never {
  throw new SimulationError(`${at}: ${what}`);
}
