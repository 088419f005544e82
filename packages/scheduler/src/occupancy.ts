import type { Needs, SchedulableDevice, SchedulerState, Share } from './state.js';

/** One that is on a device, or is just getting it. Times in ms since the epoch. */
export interface Stay {
  /** As planned. */
  readonly endsAt: number;
  /** Whether a time limit says so. */
  readonly certain: boolean;
  /** What it declared of the device's memory; null: it has the device to itself. */
  readonly bytes: number | null;
}

/** What a device of unknown memory is counted as having, for slots: these are parts of whatever it has. */
const NOMINAL_BYTES = 2 ** 40;

export const capacityOf = ({ memoryBytes }: Pick<SchedulableDevice, 'memoryBytes'>): number =>
  memoryBytes ?? NOMINAL_BYTES;

/** What a share comes to on a device. */
export function bytesOf(share: Share, device: Pick<SchedulableDevice, 'memoryBytes'>): number {
  return 'slots' in share ? Math.floor(capacityOf(device) / share.slots) : share.memoryBytes;
}

/** How many devices an allocation is worth. */
export function gpusOf({ share, gpus }: Needs, devices: readonly SchedulableDevice[]): number {
  const [device] = devices;
  return share && device ? bytesOf(share, device) / capacityOf(device) : gpus;
}

/** Who is on which device, for the length of one decision, with those that get devices in it. */
export class Occupancy {
  private readonly state: SchedulerState;
  private readonly now: number;
  private readonly stays = new Map<string, Stay[]>();

  constructor(state: SchedulerState, now: number) {
    this.state = state;
    this.now = now;
    for (const [uuid, holders] of state.holders) {
      const device = state.devices.get(uuid);
      const stays = holders.map(({ needs: { share }, since, endsAt }) => ({
        endsAt: endsAt === null ? this.plannedEnd(since) : Math.max(endsAt, now),
        certain: endsAt !== null,
        bytes: share && device ? bytesOf(share, device) : null,
      }));
      this.stays.set(uuid, stays);
    }
  }

  /** Who is there; none: the device is free. */
  of(uuid: string): readonly Stay[] {
    return this.stays.get(uuid) ?? [];
  }

  /** Gives devices to a job. */
  give(devices: readonly SchedulableDevice[], { share, longestSeconds }: Needs): void {
    const endsAt = this.now + (longestSeconds ?? this.state.policy.plannedSeconds) * 1000;
    for (const device of devices) {
      const stay = {
        endsAt,
        certain: longestSeconds !== null,
        bytes: share ? bytesOf(share, device) : null,
      };
      this.stays.set(device.uuid, [...this.of(device.uuid), stay]);
    }
  }

  /** Whether a device has room: all of it, or enough beside others that share it. Exclusive and shared never mix. */
  hasRoom(device: SchedulableDevice, { share }: Needs): boolean {
    const stays = this.stays.get(device.uuid);
    if (!stays || stays.length === 0) return true;
    if (!share) return false;
    const left = this.left(device);
    return left !== null && bytesOf(share, device) <= left;
  }

  /** Bytes that are left for one more that shares; null: somebody has the device to themselves. */
  left(device: SchedulableDevice, at = this.now): number | null {
    let left = capacityOf(device);
    for (const { bytes, endsAt } of this.of(device.uuid)) {
      // At this very moment all are still there; later, those that have ended aren't.
      if (at > this.now && endsAt <= at) continue;
      if (bytes === null) return null;
      left -= bytes;
    }
    return left;
  }

  private plannedEnd(since: number): number {
    const planned = since + this.state.policy.plannedSeconds * 1000;
    // One that runs for longer than was planned may go on as long again, for all we know.
    return planned > this.now ? planned : this.now + this.state.policy.plannedSeconds * 1000;
  }
}
