import type { Allocation, Needs, PendingJob, SchedulableDevice, SchedulerState } from './state.js';

/** What plans are made by. */
export interface Clock {
  /** ms since the epoch. */
  readonly now: number;
  /** How long a job without a time limit is planned to run. It is never ended for that. */
  readonly plannedSeconds: number;
}

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

/** When jobs that can't start yet will, and on which devices: made in the order of the queue, one for each shape. */
export class Reservations {
  private readonly clock: Clock;
  private readonly byDevice = new Map<string, Reservation[]>();

  constructor(clock: Clock) {
    this.clock = clock;
  }

  /** Who a device is kept for first. */
  first(uuid: string): Reservation | undefined {
    return this.byDevice.get(uuid)?.[0];
  }

  /**
   * Whether a job may use a free device now: it has to be over before the device is needed (EASY backfill; Lifka, "The
   * ANL/IBM SP Scheduling System", 1995, here with a reservation for the head of every shape). One without a time limit
   * might never be.
   */
  allow(uuid: string, { longestSeconds }: Needs): boolean {
    const reserved = this.byDevice.get(uuid);
    if (!reserved) return true;
    if (longestSeconds === null) return false;
    const end = this.clock.now + longestSeconds * 1000;
    return reserved.every(({ from }) => end <= from);
  }

  /**
   * Keeps devices for a job that can't start now: on the node where there are enough of them first.
   * @param nodes devices that it may have, by their nodes, of which one has enough
   * @param given devices that are just being given to others, and for how long
   */
  reserve(
    state: SchedulerState,
    job: PendingJob,
    nodes: readonly (readonly SchedulableDevice[])[],
    given: ReadonlyMap<string, Needs>,
  ): Reservation {
    let best: { devices: Availability[]; from: number } | null = null;
    for (const node of nodes) {
      if (node.length < job.needs.gpus) continue;
      const available = node
        .map((device) => this.availability(state, device, given.get(device.uuid)))
        .sort((one, other) => one.at - other.at)
        .slice(0, job.needs.gpus);
      const from = (available.at(-1) as Availability).at;
      if (!best || from < best.from) best = { devices: available, from };
    }
    if (!best) throw new Error(`job ${job.number} can't be planned: no node has ${job.needs.gpus} devices`);
    const { devices, from } = best;
    const until = from + this.lengthOf(job.needs) * 1000;
    const reservation = { by: job, from, until, certain: devices.every(({ certain }) => certain) };
    for (const { uuid } of devices)
      this.byDevice.set(uuid, [...(this.byDevice.get(uuid) ?? []), reservation]);
    return reservation;
  }

  /** When a device is free, as planned: after who holds it, and after those that it is kept for already. */
  private availability(
    state: SchedulerState,
    { uuid }: SchedulableDevice,
    given: Needs | undefined,
  ): Availability {
    const holder = state.holders.get(uuid);
    let at = this.clock.now;
    let certain = true;
    if (holder) {
      at = this.endOf(holder);
      certain = holder.endsAt !== null;
    } else if (given) {
      at += this.lengthOf(given) * 1000;
      certain = given.longestSeconds !== null;
    }
    const last = this.byDevice.get(uuid)?.at(-1);
    if (!last) return { uuid, at, certain };
    return {
      uuid,
      at: Math.max(at, last.until),
      certain: certain && last.certain && last.by.needs.longestSeconds !== null,
    };
  }

  private endOf({ since, endsAt }: Allocation): number {
    const { now, plannedSeconds } = this.clock;
    if (endsAt !== null) return Math.max(endsAt, now);
    const planned = since + plannedSeconds * 1000;
    // One that runs for longer than was planned may go on as long again, for all we know.
    return planned > now ? planned : now + plannedSeconds * 1000;
  }

  private lengthOf({ longestSeconds }: Needs): number {
    return longestSeconds ?? this.clock.plannedSeconds;
  }
}

interface Availability {
  uuid: string;
  at: number;
  certain: boolean;
}
