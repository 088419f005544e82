import { ruledOutBy } from './feasible.js';
import type { SchedulerState } from './state.js';

const MOST_NAMED = 5;

/** Jobs that are in line and may use a device that something keeps jobs away from. */
export interface KeptWaiting {
  readonly count: number;
  /** The numbers of those that were submitted first. */
  readonly first: readonly number[];
}

/** Whom each device with an obstacle keeps waiting, by its UUID. Costs what shapes cost, not jobs. */
export function keptWaiting({ devices, shapes }: SchedulerState): Map<string, KeptWaiting> {
  const kept = new Map<string, KeptWaiting>();
  for (const device of devices.values()) {
    if (!device.obstacle) continue;
    const queues = [...shapes.values()]
      .filter(({ needs }) => ruledOutBy(needs, device) === null)
      .map(({ queue }) => queue);
    const first = queues
      .flatMap((queue) => queue.slice(0, MOST_NAMED).map(({ number }) => number))
      .sort((one, other) => one - other);
    const count = queues.reduce((sum, { length }) => sum + length, 0);
    kept.set(device.uuid, { count, first: first.slice(0, MOST_NAMED) });
  }
  return kept;
}
