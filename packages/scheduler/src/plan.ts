import type { JobId, PendingReason } from '@berth/contract';
import { type Pool, Pools, wishKey } from './feasible.js';
import { Limits } from './limits.js';
import { gpusOf, Occupancy } from './occupancy.js';
import { Order } from './order.js';
import { explainWait } from './pending-reason.js';
import { type Preferences, place } from './placement.js';
import { type Displacement, displace, type Preemption } from './preemption.js';
import { type Reservation, Reservations } from './reservation.js';
import type { Needs, PendingJob, SchedulableDevice, SchedulerState } from './state.js';

/** A job and the devices that it shall get, in the order in which it will see them. */
export interface Placement {
  readonly job: JobId;
  readonly devices: readonly SchedulableDevice[];
  /** How many devices that is worth: parts of one count as parts. */
  readonly gpus: number;
}

/** What is kept for a job that can't start. */
export interface Kept {
  /** null: it isn't the first of those that wait for the same. */
  readonly own: Reservation | null;
  /** The numbers of those that give way to it. */
  readonly givingWay: readonly number[];
  /** Whether what is kept is given up by others, rather than waited for. */
  readonly isGivenUp: boolean;
}

/**
 * One look at the queue, job after job in its order: each gets devices, or a reason and, where it is a matter of waiting,
 * devices that are kept for it. Decisions and explanations both go this way, so that they say the same.
 */
export class Plan {
  readonly placements: Placement[] = [];
  readonly preemptions: Preemption[] = [];
  readonly order: Order;
  readonly occupancy: Occupancy;
  readonly reservations: Reservations;
  readonly pools: Pools;
  /** Who got a device in this plan. */
  readonly given = new Map<string, PendingJob>();
  private readonly state: SchedulerState;
  private readonly now: number;
  private readonly limits: Limits;
  private readonly preferences: Preferences;
  private readonly free = new Map<Pool, readonly SchedulableDevice[]>();
  private readonly givingWay = new Set<JobId>();
  private readonly kinds = new Set<string>();
  private readonly mayPreempt: boolean;
  private readonly foresight: 'first' | 'all';

  /**
   * @param now ms since the epoch
   * @param foresight for whom devices are kept: the `first` of those that want as many of the same, as decisions do it, or `all`
   *   in their order, to tell when each will start
   */
  constructor(state: SchedulerState, now: number, foresight: 'first' | 'all' = 'first') {
    this.foresight = foresight;
    this.state = state;
    this.now = now;
    this.order = new Order(state, now);
    this.occupancy = new Occupancy(state, now);
    this.reservations = new Reservations(this.occupancy, now, state.policy.plannedSeconds);
    this.pools = new Pools(state);
    this.limits = new Limits(state);
    this.preferences = {
      sharedRoom: (device) =>
        this.occupancy.of(device.uuid).length > 0 ? this.occupancy.left(device) : null,
      lastUsed: ({ uuid }) => state.lastUsed.get(uuid) ?? 0,
    };
    this.mayPreempt = [...state.allocations.values()].some(
      ({ needs, leaving }) => needs.preemptible || leaving,
    );
  }

  /**
   * Takes the next job in line.
   * @returns null where it gets its devices, else why not (to be asked for before the state changes); `othersToo` where the
   *   next one like it may fare better
   */
  take(job: PendingJob): { reason: () => PendingReason; othersToo: boolean } | null {
    const { needs } = job;
    const refusal = this.limits.refusal(needs);
    // One that a limit keeps waiting keeps no devices from others.
    if (refusal) return { reason: () => refusal, othersToo: false };
    const pool = this.pools.of(needs);
    const free = this.freeOf(needs);
    const devices = free.length >= needs.gpus ? this.choose(job, this.openOf(free, needs)) : null;
    if (devices) {
      this.give(job, devices);
      return null;
    }
    const ahead = this.firstAhead(free);
    // One that could not start even if all others ended would keep devices from them for nothing.
    const kept = pool.mostUsable >= needs.gpus ? this.keepDevices(job) : null;
    const { own = null, givingWay = [], isGivenUp = false } = kept ?? {};
    return {
      reason: () => explainWait(this.state, needs, { pool, free, ahead, own, givingWay }),
      // Whoever it waits for leaves: so may others, for the next one.
      othersToo: isGivenUp,
    };
  }

  /** The devices that have room for such a job, whoever they are kept for. */
  private freeOf(needs: Needs): readonly SchedulableDevice[] {
    const pool = this.pools.of(needs);
    // For all that have devices to themselves it is the same, until somebody gets one.
    const known = needs.share ? undefined : this.free.get(pool);
    if (known) return known;
    const free = pool.usable.filter((device) => this.occupancy.hasRoom(device, needs));
    if (!needs.share) this.free.set(pool, free);
    return free;
  }

  /** Those of them that are kept for nobody who would be delayed. */
  private openOf(free: readonly SchedulableDevice[], needs: Needs): SchedulableDevice[] {
    return free.filter((device) => this.reservations.allow(device, needs));
  }

  /** The devices that such a job would get now; null: it would have to wait. */
  wouldGet(needs: Needs): readonly SchedulableDevice[] | null {
    if (this.limits.refusal(needs)) return null;
    return place(needs, this.openOf(this.freeOf(needs), needs), this.preferences);
  }

  /** What keeps such a job waiting, whatever devices are free. */
  limitOf(needs: Needs): PendingReason | null {
    return this.limits.refusal(needs);
  }

  private choose(
    { needs, avoid = [] }: PendingJob,
    open: readonly SchedulableDevice[],
  ): SchedulableDevice[] | null {
    if (avoid.length > 0) {
      const others = open.filter(({ uuid }) => !avoid.includes(uuid));
      const elsewhere = place(needs, others, this.preferences);
      if (elsewhere) return elsewhere;
    }
    return place(needs, open, this.preferences);
  }

  private give(job: PendingJob, devices: readonly SchedulableDevice[]): void {
    const { needs } = job;
    const gpus = gpusOf(needs, devices);
    this.placements.push({ job: job.id, devices, gpus });
    this.occupancy.give(devices, needs);
    this.free.clear();
    this.limits.add(needs, gpus);
    this.order.advance(needs.user, gpus);
    for (const { uuid } of devices) this.given.set(uuid, job);
  }

  private firstAhead(free: readonly SchedulableDevice[]): PendingJob | null {
    for (const { uuid } of free) {
      const reservation = this.reservations.first(uuid);
      if (reservation) return reservation.by;
    }
    return null;
  }

  /** Keeps devices for a job: those that others give up for it, or those that are free first. */
  keepDevices(job: PendingJob): Kept {
    const { nodes } = this.pools.of(job.needs);
    const isFirst = this.isFirstOfItsKind(job.needs);
    const inTurn = (): Kept => ({
      own: isFirst || this.foresight === 'all' ? this.reservations.reserve(job, nodes) : null,
      givingWay: [],
      isGivenUp: false,
    });
    const displacement = this.mayPreempt ? this.displacement(job) : null;
    if (!displacement) return inTurn();
    const { victims, devices, graceSeconds } = displacement;
    const from = this.now + graceSeconds * 1000;
    const turn = this.reservations.when(job, nodes);
    // Nobody's work is thrown away for what comes by itself as soon.
    if (victims.length > 0 && turn.certain && turn.from <= from) return inTurn();
    for (const { job: id, number, attempt } of victims) {
      this.givingWay.add(id);
      this.preemptions.push({ job: id, number, attempt, by: job });
    }
    const own = this.reservations.keep(job, devices, from, true);
    return { own, givingWay: victims.map(({ number }) => number), isGivenUp: true };
  }

  /** Of those that want as many of the same devices, the first is the one that waits for them. */
  private isFirstOfItsKind(needs: Needs): boolean {
    const kind = `${needs.gpus}/${wishKey(needs)}`;
    if (this.kinds.has(kind)) return false;
    this.kinds.add(kind);
    return true;
  }

  private displacement(job: PendingJob): Displacement | null {
    const nodes = this.pools
      .of(job.needs)
      .nodes.map((node) => node.filter(({ uuid }) => !this.reservations.first(uuid)));
    return displace({
      state: this.state,
      job,
      nodes,
      isOpen: (device) => this.occupancy.hasRoom(device, job.needs),
      taken: this.givingWay,
      now: this.now,
    });
  }
}
