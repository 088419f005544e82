import type { DeviceHistory, DeviceList, Queue } from '@berth/contract';
import { client, noteOldAnswer } from './session.js';

/** How many of those in line are shown beside the devices. */
const NEXT_IN_LINE = 10;
/** The length of the past that is drawn, and of its steps. */
const PAST = { since: '10m', step: '5s' };

export async function askDevices(signal: AbortSignal): Promise<DeviceList> {
  const devices = await client.value.devices.list({ signal });
  if (devices.ledgerAgeSeconds !== null) noteOldAnswer(devices.ledgerAgeSeconds);
  return devices;
}

/** Who is next. By itself: the devices are answered without the ledger as well. */
export const askLine = (signal: AbortSignal): Promise<Queue> =>
  client.value.queue({ limit: NEXT_IN_LINE, signal });

/** The last minutes of devices, by their UUIDs. */
export async function askPasts(
  uuids: readonly string[],
  signal: AbortSignal,
): Promise<Map<string, DeviceHistory>> {
  const { devices } = client.value;
  const pasts = await Promise.all(uuids.map((uuid) => devices.history(uuid, { ...PAST, signal })));
  return new Map(pasts.map((past) => [past.device, past]));
}
