import type { DeviceFacts, LinkFacts } from '@berth/cuda-core';

/** How far a device is that is reached so; NVLink is closer than any way over PCIe, and more links are closer than fewer. */
const PATHS: Record<NonNullable<LinkFacts['path']>, number> = {
  internal: 5,
  singleSwitch: 10,
  multipleSwitches: 20,
  hostBridge: 30,
  node: 40,
  system: 100,
};
const MOST_NVLINKS = 18;

/** What the scheduler has to know of a device. */
export function registrationOf(facts: DeviceFacts, node: string, labels: Record<string, string>) {
  const { uuid, index, mig, memoryTotalBytes, name, computeCapability, links } = facts;
  return {
    uuid,
    index,
    node,
    instance: mig?.index ?? null,
    memoryBytes: memoryTotalBytes,
    model: name,
    computeCapability,
    labels,
    distances: Object.fromEntries(
      links.flatMap((link) => {
        const distance = distanceOf(link);
        return distance === null ? [] : [[link.device, distance]];
      }),
    ),
  };
}

function distanceOf({ nvlinks, path }: LinkFacts): number | null {
  if (nvlinks) return 1 + (MOST_NVLINKS - Math.min(nvlinks, MOST_NVLINKS)) / MOST_NVLINKS;
  return path === null ? null : PATHS[path];
}
