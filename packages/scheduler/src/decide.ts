import type { JobId, PendingReason } from '@berth/contract';
import { Pools } from './feasible.js';
import { goesBefore } from './order.js';
import { explainWait } from './pending-reason.js';
import { place } from './placement.js';
import { type Clock, Reservations } from './reservation.js';
import type { Needs, PendingJob, SchedulableDevice, SchedulerState, Shape } from './state.js';

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

/** A day: longer than most jobs, shorter than a forgotten one. */
export const PLANNED_SECONDS = 86_400;

/**
 * Decides who starts now: by priority, then submission; gangs are all or nothing.
 *
 * A job that can't start has devices reserved for it, and a time by which it starts at the latest. Later jobs may use these
 * devices until then, if their time limits end them before (backfill): so none is delayed, none starves, and jobs whose masks
 * don't touch pass each other freely. Devices with an obstacle are neither given nor reserved.
 *
 * The cost follows the number of shapes and placements, not the number of jobs: once a job of a shape
 * can't start, none behind it of the same shape can.
 */
export function decide(
  state: SchedulerState,
  clock: Clock = { now: 0, plannedSeconds: PLANNED_SECONDS },
): Decision {
  const placements: Placement[] = [];
  const reasons = new Map<string, PendingReason>();
  const given = new Map<string, Needs>();
  const reservations = new Reservations(clock);
  const pools = new Pools(state);
  const cursors = new Map<Shape, number>();
  for (const shape of state.shapes.values()) cursors.set(shape, 0);

  for (let next = first(cursors); next; next = first(cursors)) {
    const { shape, job } = next;
    const { needs } = shape;
    const pool = pools.of(needs);
    const free = pool.usable.filter(({ uuid }) => !state.holders.has(uuid) && !given.has(uuid));
    const open = free.filter(({ uuid }) => reservations.allow(uuid, needs));
    const devices = placeElsewhere(needs, open, job.avoid) ?? place(needs, open);
    if (devices) {
      placements.push({ job: job.id, devices });
      for (const { uuid } of devices) given.set(uuid, needs);
      advance(cursors, shape);
      continue;
    }
    const ahead = free.map(({ uuid }) => reservations.first(uuid)?.by).find((by) => by !== undefined);
    // One that could not start even if all others ended would keep devices from them for nothing.
    const own = pool.mostUsable >= needs.gpus ? reservations.reserve(state, job, pool.nodes, given) : null;
    reasons.set(shape.key, explainWait(state, needs, { pool, free, ahead: ahead ?? null, own }));
    cursors.delete(shape);
  }
  return { placements, reasons };
}

/** A place for a job without the devices on which it has just failed, where there is one. */
function placeElsewhere(
  needs: Needs,
  devices: readonly SchedulableDevice[],
  avoid: readonly string[] = [],
): SchedulableDevice[] | null {
  if (avoid.length === 0) return null;
  return place(
    needs,
    devices.filter(({ uuid }) => !avoid.includes(uuid)),
  );
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

function advance(cursors: Map<Shape, number>, shape: Shape): void {
  const cursor = (cursors.get(shape) as number) + 1;
  if (cursor < shape.queue.length) cursors.set(shape, cursor);
  else cursors.delete(shape);
}
