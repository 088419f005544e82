import type { CudaDevice, DeviceFacts } from '@berth/cuda-core';

/** What is known of devices when only CUDA tells of them, in the order in which it does. */
export function factsFromCuda(devices: readonly CudaDevice[]): DeviceFacts[] {
  return devices.map(({ uuid, name, memoryTotalBytes, computeCapability, pciAddress }, index) => ({
    uuid,
    index,
    name,
    memoryTotalBytes,
    computeCapability,
    pciAddress,
    mig: null,
    migEnabled: null,
    architecture: null,
    minorNumber: null,
    numaNode: null,
    cpuAffinity: null,
    computeMode: null,
    persistenceMode: null,
    eccEnabled: null,
    powerLimitWatts: null,
    powerLimitRangeWatts: null,
    slowdownCelsius: null,
    maxClocks: { graphicsMegahertz: null, smMegahertz: null, memoryMegahertz: null },
    links: [],
  }));
}
