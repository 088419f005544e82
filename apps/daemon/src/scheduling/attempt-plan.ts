import { createServer } from 'node:net';
import { bytesOf, capacityOf, type Needs, type Placement, type SchedulableDevice } from '@berth/scheduler';
import type { PlacedAttempt } from '../ledger/record.js';

/** Below the ports that Linux gives to outgoing connections (ip_local_port_range begins at 32768). */
const FIRST_PORT = 29_500;
const PORTS_PER_DEVICE = 16;

/**
 * What an attempt consists of, once its devices are decided: one task that sees all of them, or one for each.
 * @throws where a perDevice job finds no free port to meet on
 */
export async function planAttempt(
  { launch, share }: Needs,
  { devices, gpus }: Placement,
): Promise<PlacedAttempt> {
  const allocated = devices.map(({ uuid, index }) => ({ uuid, index }));
  const first = devices[0] as SchedulableDevice;
  const uuids = allocated.map(({ uuid }) => uuid);
  return {
    node: first.node,
    devices: allocated,
    tasks:
      launch === 'perDevice'
        ? uuids.map((uuid, rank) => ({ rank, devices: [uuid] }))
        : [{ rank: 0, devices: uuids }],
    gpus,
    share: share && { bytes: bytesOf(share, first), of: capacityOf(first) },
    masterPort: launch === 'perDevice' ? await freePort(first.index) : null,
  };
}

/**
 * A port for the ranks to meet on. Each device has ports of its own and leads at most one gang at a time, so two
 * gangs on one host never share one; those that a stranger uses are passed over.
 */
async function freePort(device: number): Promise<number> {
  const base = FIRST_PORT + device * PORTS_PER_DEVICE;
  for (let port = base; port < base + PORTS_PER_DEVICE; port += 1) {
    if (await isFree(port)) return port;
  }
  throw new Error(
    `the ports ${base} to ${base + PORTS_PER_DEVICE - 1} are all in use: no MASTER_PORT for the job`,
  );
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '0.0.0.0', () => server.close(() => resolve(true)));
  });
}
