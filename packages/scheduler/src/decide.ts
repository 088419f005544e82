import type { JobId, PendingReason } from '@berth/contract';
import { candidates, suffices } from './feasible.js';
import { explainWait } from './pending-reason.js';
import { place } from './placement.js';
import type { PendingJob, SchedulableDevice, SchedulerState, Shape } from './state.js';

/** A job and the devices that it shall get, in the order in which it will see them. */
export interface Placement {
  readonly job: JobId;
  readonly devices: readonly SchedulableDevice[];
}

export interface Decision {
  readonly placements: readonly Placement[];
  /** Why the jobs of each shape that are left wait, by the shape's key. */
  readonly reasons: ReadonlyMap<string, PendingReason>;
}

/**
 * Decides who starts now: by priority, then submission; gangs are all or nothing.
 *
 * A job that can't start bars every device that it could use from all that come after it. So a later job never
 * takes what an earlier one waits for, none starves, and jobs whose masks don't touch pass each other freely. Devices with
 * an obstacle are neither given nor barred.
 *
 * The cost follows the number of shapes and placements, not the number of jobs: once a job of a shape
 * can't start, none behind it of the same shape can.
 */
export function decide(state: SchedulerState): Decision {
  const placements: Placement[] = [];
  const reasons = new Map<string, PendingReason>();
  const taken = new Set<string>();
  const barredBy = new Map<string, PendingJob>();
  const cursors = new Map<Shape, number>();
  for (const shape of state.shapes.values()) cursors.set(shape, 0);

  for (let next = first(cursors); next; next = first(cursors)) {
    const { shape, job } = next;
    const eligible = candidates(state, shape.needs);
    const usable = eligible.filter(({ obstacle }) => obstacle === null);
    const free = usable.filter(({ uuid }) => !state.holders.has(uuid) && !taken.has(uuid));
    const open = free.filter(({ uuid }) => !barredBy.has(uuid));
    const devices = place(shape.needs, avoiding(open, job.avoid));
    if (devices) {
      placements.push({ job: job.id, devices });
      for (const { uuid } of devices) taken.add(uuid);
      advance(cursors, shape);
      continue;
    }
    reasons.set(shape.key, explainWait(state, shape.needs, { eligible, usable, free, barredBy }));
    // One that could not start even if all others ended would bar them for nothing.
    if (suffices(usable, shape.needs.gpus)) {
      for (const { uuid } of usable) if (!barredBy.has(uuid)) barredBy.set(uuid, job);
    }
    cursors.delete(shape);
  }
  return { placements, reasons };
}

/** The devices on which a job has just failed last, so that others are taken where there are enough. */
function avoiding(
  devices: readonly SchedulableDevice[],
  avoid: readonly string[] = [],
): readonly SchedulableDevice[] {
  if (avoid.length === 0) return devices;
  const better = devices.filter(({ uuid }) => !avoid.includes(uuid));
  return [...better, ...devices.filter(({ uuid }) => avoid.includes(uuid))];
}

/** The job that is first in line among all shapes' heads. */
function first(cursors: ReadonlyMap<Shape, number>): { shape: Shape; job: PendingJob } | null {
  let best: { shape: Shape; job: PendingJob } | null = null;
  for (const [shape, cursor] of cursors) {
    const job = shape.queue[cursor] as PendingJob;
    if (!best || goesBefore(job, best.job)) best = { shape, job };
  }
  return best;
}

function goesBefore(one: PendingJob, other: PendingJob): boolean {
  return one.needs.priority !== other.needs.priority
    ? one.needs.priority > other.needs.priority
    : one.number < other.number;
}

function advance(cursors: Map<Shape, number>, shape: Shape): void {
  const cursor = (cursors.get(shape) as number) + 1;
  if (cursor < shape.queue.length) cursors.set(shape, cursor);
  else cursors.delete(shape);
}
