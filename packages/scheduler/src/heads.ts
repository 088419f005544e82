import type { Order } from './order.js';
import type { PendingJob, SchedulerState, Shape } from './state.js';

/** The first job of a shape that hasn't been looked at. */
interface Head {
  readonly shape: Shape;
  cursor: number;
  job: PendingJob;
}

/**
 * Goes through all pending jobs in one order: those of a shape are in order already, so only the shapes' heads are compared.
 * They are sorted anew only when the order has changed, which is when somebody gets devices.
 */
export class Heads {
  private readonly order: Order;
  /** The last one is the first in line. */
  private heads: Head[] = [];
  private sortedAt = -1;

  constructor({ shapes }: SchedulerState, order: Order) {
    this.order = order;
    for (const shape of shapes.values())
      this.heads.push({ shape, cursor: 0, job: shape.queue[0] as PendingJob });
  }

  /** The job that is first in line, as the order is now, and its shape. */
  first(): { shape: Shape; job: PendingJob } | null {
    if (this.sortedAt !== this.order.changes) {
      this.heads.sort((one, other) => (this.order.goesBefore(one.job, other.job) ? 1 : -1));
      this.sortedAt = this.order.changes;
    }
    return this.heads.at(-1) ?? null;
  }

  /** The next one of its shape takes the place of the one that was first. */
  advance(): void {
    const head = this.heads.at(-1) as Head;
    head.cursor += 1;
    const next = head.shape.queue[head.cursor];
    if (next) {
      head.job = next;
      this.sink();
    } else this.drop();
  }

  /** No more of the shape of the one that was first. */
  drop(): void {
    this.heads.pop();
  }

  /** Puts the last head back where it belongs. */
  private sink(): void {
    if (this.sortedAt !== this.order.changes) return; // All of them are sorted before the next look.
    const head = this.heads.pop() as Head;
    let low = 0;
    let high = this.heads.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.order.goesBefore(head.job, (this.heads[middle] as Head).job)) low = middle + 1;
      else high = middle;
    }
    this.heads.splice(low, 0, head);
  }
}
