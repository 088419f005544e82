import type { AllocatedDevice } from '@berth/contract';

/** What a task inherits from the daemon's environment: where programs are, who runs them, how they speak. Nothing secret. */
const INHERITED =
  /^(PATH|HOME|USER|LOGNAME|SHELL|LANG|LC_[A-Z]+|TZ|TMPDIR|LD_LIBRARY_PATH|CUDA_HOME|BERTH_SIMULATED_[A-Z]+)$/;

/** The harmless part of our own environment. */
export function inheritedEnvironment(): Record<string, string> {
  return Object.fromEntries(
    Object.entries(process.env).filter(
      (entry): entry is [string, string] => INHERITED.test(entry[0]) && entry[1] !== undefined,
    ),
  );
}

/** What makes a process see exactly these devices, in this order. */
export function deviceEnvironment(devices: readonly Pick<AllocatedDevice, 'uuid' | 'index'>[]) {
  return {
    // CUDA's own default order is by speed, which differs from nvidia-smi's and from ours.
    CUDA_DEVICE_ORDER: 'PCI_BUS_ID',
    CUDA_VISIBLE_DEVICES: visibleDevices(devices),
  };
}

/**
 * A mask of exactly these devices, in this order. By index, since tools that read the variable with `int()` are many;
 * MIG instances have no index, so they go by UUID.
 */
function visibleDevices(devices: readonly Pick<AllocatedDevice, 'uuid' | 'index'>[]): string {
  const byUuid = devices.some(({ uuid }) => uuid.startsWith('MIG-'));
  return devices.map(({ uuid, index }) => (byUuid ? uuid : index)).join(',');
}
