import {
  type Constraints,
  likeness,
  type Needs,
  type SchedulableDevice,
  type SchedulerState,
  type Share,
} from './state.js';

/**
 * The devices that a job may use at all, in the order in which it prefers them. A job of several devices that names none
 * gets whole GPUs: CUDA shows a process one MIG instance alone, and none beside a GPU.
 */
export function candidates(state: SchedulerState, needs: Needs): SchedulableDevice[] {
  const { candidates: named } = needs;
  const all = named ? named.flatMap((uuid) => state.devices.get(uuid) ?? []) : [...state.devices.values()];
  return all.filter((device) => ruledOutBy(needs, device) === null);
}

/** What of a job's needs keeps it from ever having a device; null: nothing. */
export function ruledOutBy(
  { candidates: named, constraints, share, gpus }: Needs,
  device: SchedulableDevice,
): 'candidates' | 'constraints' | 'share' | 'gpus' | null {
  if (named && !named.includes(device.uuid)) return 'candidates';
  if (constraints && !fits(device, constraints)) return 'constraints';
  if (share && !holds(device, share)) return 'share';
  return gpus > 1 && !named && device.instance !== null ? 'gpus' : null;
}

/** Whether a device is large enough for a share of this size. Of one whose memory isn't known nobody can say. */
export function holds({ memoryBytes }: Pick<SchedulableDevice, 'memoryBytes'>, share: Share): boolean {
  return 'slots' in share || (memoryBytes !== null && share.memoryBytes <= memoryBytes);
}

/** Whether a device is like what a job asks for. What isn't known of it doesn't count as fulfilled. */
export function fits(
  device: Pick<SchedulableDevice, 'model' | 'memoryBytes' | 'computeCapability' | 'node' | 'labels'>,
  { model, minMemoryBytes, minComputeCapability, node, labels }: Constraints,
): boolean {
  if (model !== null && !device.model.toLowerCase().includes(model.toLowerCase())) return false;
  if (minMemoryBytes !== null && (device.memoryBytes ?? 0) < minMemoryBytes) return false;
  if (node !== null && device.node !== node) return false;
  for (const [name, value] of Object.entries(labels)) {
    if (!Object.hasOwn(device.labels, name) || device.labels[name] !== value) return false;
  }
  return minComputeCapability === null || atLeast(device.computeCapability, minComputeCapability);
}

function atLeast(capability: string | null, least: string): boolean {
  if (capability === null) return false;
  const [major, minor] = capability.split('.').map(Number) as [number, number];
  const [leastMajor, leastMinor = 0] = least.split('.').map(Number) as [number, number?];
  return major > leastMajor || (major === leastMajor && minor >= leastMinor);
}

/** Devices by the node that they are in: a job's processes live on one host. */
export function byNode(devices: readonly SchedulableDevice[]): SchedulableDevice[][] {
  const nodes = new Map<string, SchedulableDevice[]>();
  for (const device of devices) {
    const node = nodes.get(device.node);
    if (node) node.push(device);
    else nodes.set(device.node, [device]);
  }
  return [...nodes.values()];
}

/** Whether some node has as many of these devices as the job asks for. */
export function suffices(devices: readonly SchedulableDevice[], gpus: number): boolean {
  return devices.length >= gpus && mostOnOneNode(devices) >= gpus;
}

function mostOnOneNode(devices: readonly SchedulableDevice[]): number {
  let most = 0;
  const counts = new Map<string, number>();
  for (const { node } of devices) {
    const count = (counts.get(node) ?? 0) + 1;
    counts.set(node, count);
    if (count > most) most = count;
  }
  return most;
}

/** The devices that jobs of the same wishes may use. */
export interface Pool {
  /** At all, in the order in which they prefer them. */
  readonly eligible: readonly SchedulableDevice[];
  /** Those of them that nothing keeps jobs away from; and the same by node. */
  readonly usable: readonly SchedulableDevice[];
  readonly nodes: readonly (readonly SchedulableDevice[])[];
  /** How many one node has at the most. */
  readonly mostEligible: number;
  readonly mostUsable: number;
}

/** Finds pools, for the length of one decision: many shapes have the same. */
export class Pools {
  private readonly state: SchedulerState;
  private readonly pools = new Map<string, Pool>();

  constructor(state: SchedulerState) {
    this.state = state;
  }

  of(needs: Needs): Pool {
    const key = wishKey(needs);
    let pool = this.pools.get(key);
    if (!pool) {
      const eligible = candidates(this.state, needs);
      const usable = eligible.filter(({ obstacle }) => obstacle === null);
      const nodes = byNode(usable);
      const mostUsable = Math.max(0, ...nodes.map(({ length }) => length));
      pool = { eligible, usable, nodes, mostUsable, mostEligible: mostOnOneNode(eligible) };
      this.pools.set(key, pool);
    }
    return pool;
  }
}

/** A name for all that `candidates` looks at: equal for jobs that may use the same devices. */
export function wishKey({ candidates: named, constraints, share, gpus }: Needs): string {
  const size = share && 'memoryBytes' in share ? share.memoryBytes : '';
  const like = constraints ? likeness(constraints) : '';
  return `${named ? named.join() : gpus > 1 ? 'whole' : 'any'}/${like}/${size}`;
}
