import type { Device, DeviceHistory, DeviceList, DrainRequest } from '@berth/contract';
import type { RequestOptions } from './jobs.js';
import type { Transport } from './transport.js';

/** A UUID or an unambiguous beginning of one, an index, `0:1` for a MIG instance, or the device itself. */
export type DeviceReference = string | number | Pick<Device, 'uuid'>;

/** A part of the past. Moments are times (RFC 3339), or how long ago: seconds, or text such as `"10m"`. */
export interface PastOptions extends RequestOptions {
  /** Default: an hour ago. */
  since?: string | number | undefined;
  /** Default: now. */
  until?: string | number | undefined;
  /** The length of a step: seconds, or text. Default: as fine as is kept for so long. */
  step?: string | number | undefined;
}

/** What the host has to run jobs on. */
export class Devices {
  private readonly transport: Transport;

  constructor(transport: Transport) {
    this.transport = transport;
  }

  /** All devices with their newest sample, who holds them and what keeps jobs away from them; and the driver. */
  list(options: RequestOptions = {}): Promise<DeviceList> {
    return this.transport.json({ path: '/v1/devices', ...options });
  }

  get(device: DeviceReference, options: RequestOptions = {}): Promise<Device> {
    return this.transport.json({ path: pathOf(device), ...options });
  }

  /** Memory, utilisation, power and temperature over time. */
  history(
    device: DeviceReference,
    { signal, timeoutSeconds, ...query }: PastOptions = {},
  ): Promise<DeviceHistory> {
    return this.transport.json({ path: `${pathOf(device)}/history`, query, signal, timeoutSeconds });
  }

  /** Takes a device out of scheduling; the job on it goes on. */
  drain(
    device: DeviceReference,
    { reason, ...options }: DrainRequest & RequestOptions = {},
  ): Promise<Device> {
    return this.transport.json({
      method: 'POST',
      path: `${pathOf(device)}/drain`,
      body: { reason },
      ...options,
    });
  }

  /** Gives a device back to scheduling. @throws BerthProblem `device_conflict` while it is lost */
  resume(device: DeviceReference, options: RequestOptions = {}): Promise<Device> {
    return this.transport.json({ method: 'POST', path: `${pathOf(device)}/resume`, ...options });
  }
}

function pathOf(device: DeviceReference): string {
  return `/v1/devices/${encodeURIComponent(typeof device === 'object' ? device.uuid : device)}`;
}
