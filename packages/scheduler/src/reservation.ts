import { bytesOf, capacityOf, type Occupancy } from './occupancy.js';
import type { Needs, PendingJob, SchedulableDevice } from './state.js';

/** A device that is kept for a job which can't start yet. */
export interface Reservation {
  readonly by: PendingJob;
  /** When the job starts at the latest, in ms since the epoch; an estimate unless `certain`. */
  readonly from: number;
  /** When it gives the device back, as planned. */
  readonly until: number;
  /** Whether every job that is waited for has a time limit, so that `from` is promised. */
  readonly certain: boolean;
}

/** When a device can be had by a job. */
interface Availability {
  device: SchedulableDevice;
  at: number;
  certain: boolean;
}

/** When jobs that can't start yet will, and on which devices: made in the order of the queue. */
export class Reservations {
  private readonly occupancy: Occupancy;
  private readonly now: number;
  private readonly plannedSeconds: number;
  private readonly byDevice = new Map<string, Reservation[]>();

  /**
   * @param now ms since the epoch
   * @param plannedSeconds how long a job without a time limit is planned to run
   */
  constructor(occupancy: Occupancy, now: number, plannedSeconds: number) {
    this.occupancy = occupancy;
    this.now = now;
    this.plannedSeconds = plannedSeconds;
  }

  /** Who a device is kept for first. */
  first(uuid: string): Reservation | undefined {
    return this.byDevice.get(uuid)?.[0];
  }

  /** All that is kept, by the devices' UUIDs. */
  *all(): Generator<[string, Reservation]> {
    for (const [uuid, reserved] of this.byDevice) for (const each of reserved) yield [uuid, each];
  }

  /**
   * Whether a job may use a device now that has room for it: it has to be over before the device is needed (EASY backfill;
   * Lifka, "The ANL/IBM SP Scheduling System", 1995, here with a reservation for the first of every kind), or to leave room
   * for those that will share it. One without a time limit might never be over.
   */
  allow(device: SchedulableDevice, needs: Needs): boolean {
    const reserved = this.byDevice.get(device.uuid);
    if (!reserved) return true;
    const end = needs.longestSeconds === null ? Infinity : this.now + needs.longestSeconds * 1000;
    return reserved.every(({ from }) => end <= from) || this.fitsBeside(device, needs, this.now, reserved);
  }

  /**
   * Keeps devices for a job that can't start now: on the node where there are enough of them first.
   * @param nodes devices that it may have, by their nodes, of which one has enough
   */
  reserve(job: PendingJob, nodes: readonly (readonly SchedulableDevice[])[]): Reservation {
    const { devices, from, certain } = this.when(job, nodes);
    return this.keep(job, devices, from, certain);
  }

  /** When and where a job could start, if it waited its turn. */
  when(
    { needs, number }: PendingJob,
    nodes: readonly (readonly SchedulableDevice[])[],
  ): { devices: SchedulableDevice[]; from: number; certain: boolean } {
    let best: { chosen: Availability[]; from: number } | null = null;
    for (const node of nodes) {
      if (node.length < needs.gpus) continue;
      const chosen = node
        .map((device) => this.availability(device, needs))
        .sort((one, other) => one.at - other.at)
        .slice(0, needs.gpus);
      const from = (chosen.at(-1) as Availability).at;
      if (!best || from < best.from) best = { chosen, from };
    }
    if (!best) throw new Error(`job ${number} can't be planned: no node has ${needs.gpus} devices`);
    const { chosen, from } = best;
    return {
      devices: chosen.map(({ device }) => device),
      from,
      certain: chosen.every((each) => each.certain),
    };
  }

  /** Keeps these very devices for a job. */
  keep(job: PendingJob, devices: readonly SchedulableDevice[], from: number, certain: boolean): Reservation {
    const until = from + (job.needs.longestSeconds ?? this.plannedSeconds) * 1000;
    const reservation = { by: job, from, until, certain };
    for (const { uuid } of devices)
      this.byDevice.set(uuid, [...(this.byDevice.get(uuid) ?? []), reservation]);
    return reservation;
  }

  /** When a device can be had, as planned: after who is on it, and after those that it is kept for already. */
  private availability(device: SchedulableDevice, needs: Needs): Availability {
    const { at, certain } = this.vacancy(device, needs);
    const reserved = this.byDevice.get(device.uuid);
    const last = reserved?.at(-1);
    if (!reserved || !last || this.fitsBeside(device, needs, at, reserved)) return { device, at, certain };
    return {
      device,
      at: Math.max(at, last.until),
      certain: certain && last.certain && last.by.needs.longestSeconds !== null,
    };
  }

  /** When those on a device have left it, or have left enough of it. */
  private vacancy(device: SchedulableDevice, needs: Needs): { at: number; certain: boolean } {
    let at = this.now;
    let certain = true;
    const stays = this.occupancy.of(device.uuid);
    if (stays.length === 0) return { at, certain };
    let left = needs.share ? (this.occupancy.left(device) ?? 0) : 0;
    const wanted = needs.share ? bytesOf(needs.share, device) : capacityOf(device);
    for (const stay of [...stays].sort((one, other) => one.endsAt - other.endsAt)) {
      if (needs.share && left >= wanted) break;
      at = Math.max(at, stay.endsAt);
      certain &&= stay.certain;
      left += stay.bytes ?? capacityOf(device);
    }
    return { at, certain };
  }

  /** Whether a job that shares fits beside those that are there at a time, and all that the device is kept for. */
  private fitsBeside(
    device: SchedulableDevice,
    { share }: Needs,
    at: number,
    reserved: readonly Reservation[],
  ): boolean {
    if (!share) return false;
    let wanted = bytesOf(share, device);
    for (const { by } of reserved) {
      if (!by.needs.share) return false;
      wanted += bytesOf(by.needs.share, device);
    }
    // Those for whom it is kept come when some have left: what is left by the first of them counts.
    const first = Math.max(at, Math.min(...reserved.map(({ from }) => from)));
    return (this.occupancy.left(device, first) ?? 0) >= wanted;
  }
}
