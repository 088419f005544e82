import type { DeviceHistory, DeviceList, Queue } from '@berth/contract';
import { client } from './session.js';

/** How many of those in line are shown beside the devices. */
const NEXT_IN_LINE = 10;
/** The length of the past that is drawn, and of its steps. */
const PAST = { since: '10m', step: '5s' };

/** The devices and who is next in line, of one moment. */
export interface Lab {
  devices: DeviceList;
  queue: Queue;
}

export async function askLab(signal: AbortSignal): Promise<Lab> {
  const [devices, queue] = await Promise.all([
    client.value.devices.list({ signal }),
    client.value.queue({ limit: NEXT_IN_LINE, signal }),
  ]);
  return { devices, queue };
}

/** The last minutes of devices, by their UUIDs. */
export async function askPasts(
  uuids: readonly string[],
  signal: AbortSignal,
): Promise<Map<string, DeviceHistory>> {
  const { devices } = client.value;
  const pasts = await Promise.all(uuids.map((uuid) => devices.history(uuid, { ...PAST, signal })));
  return new Map(pasts.map((past) => [past.device, past]));
}
