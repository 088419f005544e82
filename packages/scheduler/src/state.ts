import type { JobId, Launch, ObstacleCode } from '@berth/contract';

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
  /** Why nothing is to be placed on it now, if so. Whoever holds it goes on. */
  readonly obstacle: { readonly code: ObstacleCode; readonly sentence: string } | null;
}

/** What a device has to be like. */
export interface Constraints {
  /** A part of its name, in whatever case. */
  readonly model: string | null;
  readonly minMemoryBytes: number | null;
  /** Such as `8.0`. */
  readonly minComputeCapability: string | null;
  readonly node: string | null;
}

/** What a job needs, resolved. */
export interface Needs {
  readonly priority: number;
  readonly gpus: number;
  /** UUIDs in order of preference; null: any device will do. */
  readonly candidates: readonly string[] | null;
  /** How the devices are given to processes; of no matter for the choice of devices. */
  readonly launch: Launch;
  readonly constraints: Constraints | null;
  /** How long it may hold its devices at the most, with its grace period; null: as long as it likes. */
  readonly longestSeconds: number | null;
}

export interface PendingJob {
  readonly id: JobId;
  /** Grows with each submission: the order among equals, also after a requeue. */
  readonly number: number;
  /** The number of the attempt that comes next. */
  readonly attempt: number;
  readonly needs: Needs;
  /** Devices on which it has just failed: they come last, where others will do. */
  readonly avoid?: readonly string[];
}

/** What holds devices, from placement until its last process is gone. */
export interface Allocation {
  readonly job: JobId;
  readonly number: number;
  readonly devices: readonly string[];
  /** When it was placed, in ms since the epoch. */
  readonly since: number;
  /** When its time limit ends it at the latest; null: it has none. */
  readonly endsAt: number | null;
}

/** All pending jobs that are alike to the scheduler, oldest first. */
export interface Shape {
  readonly key: string;
  readonly needs: Needs;
  readonly queue: PendingJob[];
}

/** All that decisions are made from. Changed by `apply` alone. */
export interface SchedulerState {
  readonly devices: Map<string, SchedulableDevice>;
  /** By device UUID. */
  readonly holders: Map<string, Allocation>;
  readonly allocations: Map<JobId, Allocation>;
  readonly shapes: Map<string, Shape>;
  readonly pending: Map<JobId, PendingJob>;
}

/** What happened, as far as scheduling cares. */
export type SchedulerEvent =
  | { type: 'devices'; devices: readonly SchedulableDevice[] }
  | { type: 'pending'; job: PendingJob }
  | { type: 'gone'; job: JobId }
  | { type: 'placed'; allocation: Allocation }
  | { type: 'freed'; job: JobId };

export function emptyState(): SchedulerState {
  return {
    devices: new Map(),
    holders: new Map(),
    allocations: new Map(),
    shapes: new Map(),
    pending: new Map(),
  };
}

/** The name of a shape: equal for needs that can be met in the same ways, at the same place in the order. */
export function shapeKey(needs: Needs): string {
  const { priority, gpus, candidates, constraints, longestSeconds } = needs;
  const { model, minMemoryBytes, minComputeCapability, node } = constraints ?? {};
  const like = [model, minMemoryBytes, minComputeCapability, node].map((each) => each ?? '').join('|');
  return `${priority}/${gpus}/${candidates?.join(',') ?? '*'}/${like}/${longestSeconds ?? '-'}`;
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
    case 'pending':
      enqueue(state, event.job);
      return;
    case 'gone':
      dequeue(state, event.job);
      return;
    case 'placed':
      dequeue(state, event.allocation.job);
      free(state, event.allocation.job);
      state.allocations.set(event.allocation.job, event.allocation);
      for (const uuid of event.allocation.devices) state.holders.set(uuid, event.allocation);
      return;
    case 'freed':
      free(state, event.job);
      return;
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
  shape.queue.splice(placeInQueue(shape.queue, job.number), 0, job);
  state.pending.set(job.id, job);
}

function dequeue(state: SchedulerState, id: JobId): void {
  const job = state.pending.get(id);
  if (!job) return;
  state.pending.delete(id);
  const key = shapeKey(job.needs);
  const shape = state.shapes.get(key) as Shape;
  shape.queue.splice(placeInQueue(shape.queue, job.number), 1);
  if (shape.queue.length === 0) state.shapes.delete(key);
}

/** The first place in a queue that holds this number or a younger one. */
function placeInQueue(queue: readonly PendingJob[], number: number): number {
  let low = 0;
  let high = queue.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((queue[middle] as PendingJob).number < number) low = middle + 1;
    else high = middle;
  }
  return low;
}

function free(state: SchedulerState, job: JobId): void {
  const allocation = state.allocations.get(job);
  if (!allocation) return;
  state.allocations.delete(job);
  for (const uuid of allocation.devices) {
    if (state.holders.get(uuid) === allocation) state.holders.delete(uuid);
  }
}
