import type { JobId, Launch, ObstacleCode } from '@berth/contract';
import { DEFAULT_POLICY, type Policy } from './policy.js';
import { charge, type Usage } from './usage.js';

/** A device that jobs may be placed on. */
export interface SchedulableDevice {
  readonly uuid: string;
  /** In PCI order, on its node. */
  readonly index: number;
  readonly node: string;
  /** Of a MIG instance: its place among those of its GPU. null: a whole GPU. */
  readonly instance: number | null;
  /** null: not known. */
  readonly memoryBytes: number | null;
  readonly model: string;
  /** Such as `9.0`. */
  readonly computeCapability: string | null;
  /** How far the other devices of the node are, by their UUIDs: less is closer; missing: not known. */
  readonly distances: Readonly<Record<string, number>>;
  /** What its owners call it, for constraints. */
  readonly labels: Readonly<Record<string, string>>;
  /** Why nothing is to be placed on it now, if so. Whoever holds it goes on. */
  readonly obstacle: {
    /** `unreadable_holder`: a job holds it of which nothing else is known. */
    readonly code: ObstacleCode | 'unreadable_holder';
    readonly sentence: string;
  } | null;
}

/** What a device has to be like. */
export interface Constraints {
  /** A part of its name, in whatever case. */
  readonly model: string | null;
  readonly minMemoryBytes: number | null;
  /** Such as `8.0`. */
  readonly minComputeCapability: string | null;
  readonly node: string | null;
  /** Labels that the device has to have. */
  readonly labels: Readonly<Record<string, string>>;
}

/** The part of one device that is enough for a job: bytes of its memory, or one of so many equal slots. */
export type Share = { readonly memoryBytes: number } | { readonly slots: number };

/** What a job needs, resolved, and what it allows. */
export interface Needs {
  readonly user: string;
  readonly priority: number;
  readonly gpus: number;
  /** UUIDs in order of preference; null: any device will do. */
  readonly candidates: readonly string[] | null;
  /** How the devices are given to processes; of no matter for the choice of devices. */
  readonly launch: Launch;
  readonly constraints: Constraints | null;
  /** null: it has its devices to itself. */
  readonly share: Share | null;
  /** How long it may hold its devices at the most, with its grace period; null: as long as it likes. */
  readonly longestSeconds: number | null;
  /** How long it may take to end once it is told to. */
  readonly graceSeconds: number;
  /** Whether it may be stopped, and started again later, for a job of higher priority. */
  readonly preemptible: boolean;
  /** Of which group no more than so many may run at a time; null: nothing of the kind. */
  readonly limitedGroup: { readonly id: string; readonly maxParallel: number } | null;
}

export interface PendingJob {
  readonly id: JobId;
  /** Grows with each submission: the order among those of one moment, also after a requeue. */
  readonly number: number;
  /** When it was submitted, in ms since the epoch; a requeue leaves it as it is. */
  readonly since: number;
  /** The number of the attempt that comes next. */
  readonly attempt: number;
  readonly needs: Needs;
  /** Devices on which it has just failed: they come last, where others will do. */
  readonly avoid?: readonly string[];
  /** Whether it goes before all others of its priority, since it gave way before. */
  readonly front?: boolean;
}

/** What holds devices, from placement until its last process is gone. */
export interface Allocation {
  readonly job: JobId;
  readonly number: number;
  readonly attempt: number;
  readonly needs: Needs;
  readonly devices: readonly string[];
  /** How many devices that is worth: parts of one count as parts. */
  readonly gpus: number;
  /** When it was placed, in ms since the epoch. */
  readonly since: number;
  /** When its time limit ends it at the latest; null: it has none. */
  readonly endsAt: number | null;
  /** Whether it has been told to end. */
  readonly leaving: boolean;
}

/** All pending jobs that are alike to the scheduler: those that gave way first, then the oldest. */
export interface Shape {
  readonly key: string;
  readonly needs: Needs;
  readonly queue: PendingJob[];
}

/** All that decisions are made from. Changed by `apply` alone. */
export interface SchedulerState {
  readonly policy: Policy;
  readonly devices: Map<string, SchedulableDevice>;
  /** By device UUID: one, or several that share the device. */
  readonly holders: Map<string, readonly Allocation[]>;
  readonly allocations: Map<JobId, Allocation>;
  readonly shapes: Map<string, Shape>;
  readonly pending: Map<JobId, PendingJob>;
  /** What each user has used, as far as it is over. */
  readonly usage: Map<string, Usage>;
  /** When each device was given back last, in ms since the epoch. */
  readonly lastUsed: Map<string, number>;
}

/** What happened, as far as scheduling cares. Times in ms since the epoch. */
export type SchedulerEvent =
  | { type: 'devices'; devices: readonly SchedulableDevice[] }
  | { type: 'past'; usage: ReadonlyMap<string, Usage>; lastUsed: ReadonlyMap<string, number> }
  | { type: 'pending'; job: PendingJob }
  | { type: 'gone'; job: JobId }
  | { type: 'placed'; allocation: Allocation }
  | { type: 'leaving'; job: JobId; until: number }
  | { type: 'freed'; job: JobId; at: number };

export function emptyState(policy: Policy = DEFAULT_POLICY): SchedulerState {
  return {
    policy,
    devices: new Map(),
    holders: new Map(),
    allocations: new Map(),
    shapes: new Map(),
    pending: new Map(),
    usage: new Map(),
    lastUsed: new Map(),
  };
}

/** The name of a shape: equal for needs that can be met in the same ways, at the same place in the order. */
export function shapeKey(needs: Needs): string {
  const { user, priority, gpus, candidates, constraints, share, longestSeconds, limitedGroup } = needs;
  const part = share ? ('slots' in share ? `1/${share.slots}` : share.memoryBytes) : '-';
  return (
    `${priority}/${user}/${gpus}/${candidates?.join(',') ?? '*'}/${constraints ? likeness(constraints) : ''}/` +
    `${part}/${longestSeconds ?? '-'}/${limitedGroup?.id ?? '-'}`
  );
}

/** All that constraints say, as a text. */
export function likeness({ model, minMemoryBytes, minComputeCapability, node, labels }: Constraints): string {
  const named = Object.entries(labels).sort(([one], [other]) => (one < other ? -1 : 1));
  return JSON.stringify([model, minMemoryBytes, minComputeCapability, node, ...named]);
}

/**
 * Changes the state by one event. An event that is applied twice, or is older than what the state
 * already knows, changes nothing: the state may be loaded while events still arrive.
 */
export function apply(state: SchedulerState, event: SchedulerEvent): void {
  switch (event.type) {
    case 'devices':
      state.devices.clear();
      for (const device of [...event.devices].sort(byPlace)) state.devices.set(device.uuid, device);
      return;
    case 'past':
      for (const [user, usage] of event.usage) state.usage.set(user, usage);
      for (const [uuid, at] of event.lastUsed) state.lastUsed.set(uuid, at);
      return;
    case 'pending':
      enqueue(state, event.job);
      return;
    case 'gone':
      dequeue(state, event.job);
      return;
    case 'placed':
      dequeue(state, event.allocation.job);
      release(state, event.allocation.job);
      hold(state, event.allocation);
      return;
    case 'leaving': {
      const allocation = release(state, event.job);
      if (!allocation) return;
      const endsAt = Math.min(allocation.endsAt ?? event.until, event.until);
      hold(state, { ...allocation, endsAt, leaving: true });
      return;
    }
    case 'freed': {
      const allocation = release(state, event.job);
      if (!allocation) return;
      const { user } = allocation.needs;
      const used = charge(state.usage.get(user), allocation, event.at, state.policy.halfLifeSeconds);
      state.usage.set(user, used);
      for (const uuid of allocation.devices) state.lastUsed.set(uuid, event.at);
      return;
    }
  }
}

/** One order of devices, however they became known: the same events give the same decisions. */
function byPlace(one: SchedulableDevice, other: SchedulableDevice): number {
  if (one.node !== other.node) return one.node < other.node ? -1 : 1;
  return one.index - other.index || (one.instance ?? 0) - (other.instance ?? 0);
}

function enqueue(state: SchedulerState, job: PendingJob): void {
  dequeue(state, job.id);
  const key = shapeKey(job.needs);
  let shape = state.shapes.get(key);
  if (!shape) {
    shape = { key, needs: job.needs, queue: [] };
    state.shapes.set(key, shape);
  }
  shape.queue.splice(placeInQueue(shape.queue, job), 0, job);
  state.pending.set(job.id, job);
}

function dequeue(state: SchedulerState, id: JobId): void {
  const job = state.pending.get(id);
  if (!job) return;
  state.pending.delete(id);
  const key = shapeKey(job.needs);
  const shape = state.shapes.get(key) as Shape;
  shape.queue.splice(placeInQueue(shape.queue, job), 1);
  if (shape.queue.length === 0) state.shapes.delete(key);
}

/** The first place in a queue whose job doesn't go before this one. */
function placeInQueue(queue: readonly PendingJob[], job: PendingJob): number {
  let low = 0;
  let high = queue.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (isOlder(queue[middle] as PendingJob, job)) low = middle + 1;
    else high = middle;
  }
  return low;
}

/**
 * The order among jobs of one priority and user. By time first, as between users (order.ts): after a clock that was set back
 * time and numbers contradict each other, and one order by both would go round in a circle.
 */
export function isOlder(one: PendingJob, other: PendingJob): boolean {
  const [first, second] = [one.front === true, other.front === true];
  if (first !== second) return first;
  return one.since === other.since ? one.number < other.number : one.since < other.since;
}

function hold(state: SchedulerState, allocation: Allocation): void {
  state.allocations.set(allocation.job, allocation);
  for (const uuid of allocation.devices) {
    const others = (state.holders.get(uuid) ?? []).filter(({ job }) => job !== allocation.job);
    // One order, however they came.
    state.holders.set(
      uuid,
      [...others, allocation].sort((one, other) => one.number - other.number),
    );
  }
}

function release(state: SchedulerState, job: JobId): Allocation | null {
  const allocation = state.allocations.get(job);
  if (!allocation) return null;
  state.allocations.delete(job);
  for (const uuid of allocation.devices) {
    const others = (state.holders.get(uuid) ?? []).filter((holder) => holder !== allocation);
    if (others.length > 0) state.holders.set(uuid, others);
    else state.holders.delete(uuid);
  }
  return allocation;
}
