import { byNode } from './feasible.js';
import type { Needs, SchedulableDevice } from './state.js';

/**
 * Picks a job's devices out of those that it could have now, or null where they don't suffice (all or nothing).
 * The picked ones are in the job's own order of preference, which is the order in which it will see them.
 * Between nodes, the one that is left with the fewest free devices is taken, to keep large holes whole.
 */
export function place(needs: Needs, free: readonly SchedulableDevice[]): SchedulableDevice[] | null {
  let best: SchedulableDevice[] | null = null;
  for (const node of byNode(free)) {
    if (node.length >= needs.gpus && (!best || node.length < best.length)) best = node;
  }
  return best?.slice(0, needs.gpus) ?? null;
}
