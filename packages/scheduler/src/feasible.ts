import type { Constraints, Needs, SchedulableDevice, SchedulerState } from './state.js';

/**
 * The devices that a job may use at all, in the order in which it prefers them. A job of several devices that names none
 * gets whole GPUs: CUDA shows a process one MIG instance alone, and none beside a GPU.
 */
export function candidates(state: SchedulerState, needs: Needs): SchedulableDevice[] {
  const { candidates: named, constraints, gpus } = needs;
  const all = named ? named.flatMap((uuid) => state.devices.get(uuid) ?? []) : [...state.devices.values()];
  const fitting = constraints ? all.filter((device) => fits(device, constraints)) : all;
  return gpus > 1 && !named ? fitting.filter(({ instance }) => instance === null) : fitting;
}

/** Whether a device is like what a job asks for. What isn't known of it doesn't count as fulfilled. */
export function fits(
  device: Pick<SchedulableDevice, 'model' | 'memoryBytes' | 'computeCapability' | 'node'>,
  { model, minMemoryBytes, minComputeCapability, node }: Constraints,
): boolean {
  if (model !== null && !device.model.toLowerCase().includes(model.toLowerCase())) return false;
  if (minMemoryBytes !== null && (device.memoryBytes ?? 0) < minMemoryBytes) return false;
  if (node !== null && device.node !== node) return false;
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
  return byNode(devices).some((node) => node.length >= gpus);
}
