import { type DeviceFacts, readContainerMask, readMask } from '@berth/cuda-core';

/**
 * Which of a host's devices a daemon manages: those that its own NVIDIA_VISIBLE_DEVICES and CUDA_VISIBLE_DEVICES leave
 * visible, and that can run something: of a GPU that is divided, its MIG instances.
 */
export function managedDevices(
  found: readonly DeviceFacts[],
  environment: NodeJS.ProcessEnv,
): { devices: DeviceFacts[]; remarks: string[] } {
  const remarks: string[] = [];
  const runnable = found.filter(({ migEnabled }) => migEnabled !== true);
  for (const { uuid, index } of found.filter(({ migEnabled }) => migEnabled === true)) {
    if (runnable.some(({ mig }) => mig?.parent === uuid)) continue;
    remarks.push(
      `GPU ${index} is in MIG mode but has no instances, so nothing can run on it: create some (nvidia-smi mig -cgi … -C) or leave MIG mode (nvidia-smi -i ${index} -mig 0)`,
    );
  }

  const { NVIDIA_VISIBLE_DEVICES: container, CUDA_VISIBLE_DEVICES: mask } = environment;
  const inContainer = readContainerMask(container, runnable);
  const given = inContainer
    ? runnable.filter(({ uuid }) => inContainer.some((left) => left.uuid === uuid))
    : runnable;
  if (inContainer) {
    remarks.push(
      `NVIDIA_VISIBLE_DEVICES=${shown(container)} leaves ${given.length} of ${runnable.length} devices to Berth`,
    );
  }
  // Its indexes count what the driver shows, as CUDA's do.
  const { uuids, ignored } = readMask(mask, runnable, 'all');
  const devices = given.filter(({ uuid }) => uuids.includes(uuid));
  if (mask !== undefined) {
    remarks.push(
      `CUDA_VISIBLE_DEVICES=${shown(mask)} leaves ${devices.length} of ${runnable.length} devices to Berth`,
    );
  }
  if (ignored) {
    remarks.push(
      `CUDA ignores CUDA_VISIBLE_DEVICES from entry ${ignored.position}, '${ignored.entry}', on (${ignored.reason}), and so does Berth`,
    );
  }
  return { devices, remarks };
}

function shown(value: string | undefined): string {
  const text = value ?? '';
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}
