import type { Order } from './order.js';
import type { PendingJob, SchedulerState, Shape } from './state.js';

/** How far each shape's queue has been looked through, to go through all pending jobs in one order. */
export class Heads {
  private readonly cursors = new Map<Shape, number>();

  constructor({ shapes }: SchedulerState) {
    for (const shape of shapes.values()) this.cursors.set(shape, 0);
  }

  /** The job that is first in line among all shapes' heads. */
  first(order: Order): { shape: Shape; job: PendingJob } | null {
    let best: { shape: Shape; job: PendingJob } | null = null;
    for (const [shape, cursor] of this.cursors) {
      const job = shape.queue[cursor] as PendingJob;
      if (!best || order.goesBefore(job, best.job)) best = { shape, job };
    }
    return best;
  }

  /** The next one of a shape becomes its head. */
  advance(shape: Shape): void {
    const cursor = (this.cursors.get(shape) as number) + 1;
    if (cursor < shape.queue.length) this.cursors.set(shape, cursor);
    else this.cursors.delete(shape);
  }

  /** No more of a shape. */
  drop(shape: Shape): void {
    this.cursors.delete(shape);
  }
}
