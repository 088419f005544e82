import { type DeviceFacts, parseRequest } from '@berth/cuda-core';

/**
 * What the owners of devices call them, by UUID. A mask that names no device of this host is passed over and told: one GPU
 * that has fallen off the bus is no reason not to start.
 * @param labels by masks
 */
export function deviceLabels(
  labels: Readonly<Record<string, Readonly<Record<string, string>>>>,
  devices: readonly DeviceFacts[],
): { byUuid: ReadonlyMap<string, Record<string, string>>; problems: string[] } {
  const byUuid = new Map<string, Record<string, string>>();
  const problems: string[] = [];
  for (const [mask, named] of Object.entries(labels)) {
    const request = parseRequest(mask, [...devices]);
    if (request.ok) for (const uuid of request.uuids) byUuid.set(uuid, { ...byUuid.get(uuid), ...named });
    else problems.push(...request.problems.map(({ message }) => `deviceLabels of "${mask}": ${message}`));
  }
  return { byUuid, problems };
}
