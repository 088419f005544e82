import type { DeviceList } from '@berth/contract';
import type { RequestOptions } from './jobs.js';
import type { Transport } from './transport.js';

/** What the host has to run jobs on. */
export class Devices {
  private readonly transport: Transport;

  constructor(transport: Transport) {
    this.transport = transport;
  }

  /** All devices with their newest sample and who holds them, and the driver. */
  list({ signal }: RequestOptions = {}): Promise<DeviceList> {
    return this.transport.json({ path: '/v1/devices', signal });
  }
}
