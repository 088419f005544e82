import { setTimeout as sleep } from 'node:timers/promises';
import type { OrderRecord } from '@berth/task-shim';

/** A shim carries an order out within moments, unless its task is being ended already: then never. */
const PATIENCE_MS = 3000;
const LOOK_EVERY_MS = 10;

/**
 * Waits for a shim to have written down that it carried an order out.
 * @param find looks for it
 * @param signal ends the waiting: the task has ended
 * @returns null where it did not
 */
export async function carriedOut(
  find: () => OrderRecord | null,
  signal: AbortSignal,
): Promise<OrderRecord | null> {
  const until = Date.now() + PATIENCE_MS;
  for (;;) {
    const order = find();
    if (order || Date.now() > until) return order;
    await sleep(LOOK_EVERY_MS, undefined, { signal });
  }
}
