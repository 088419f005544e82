import type { Needs, SchedulableDevice, SchedulerState } from './state.js';

/**
 * The devices that a job may use at all, in the order in which it prefers them. A job of several devices that names none
 * gets whole GPUs: CUDA shows a process one MIG instance alone, and none beside a GPU.
 */
export function candidates(state: SchedulerState, needs: Needs): SchedulableDevice[] {
  if (needs.candidates) return needs.candidates.flatMap((uuid) => state.devices.get(uuid) ?? []);
  const all = [...state.devices.values()];
  return needs.gpus > 1 ? all.filter(({ instance }) => instance === null) : all;
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
