import fc from 'fast-check';
import { expect, it } from 'vitest';
import { firstInLine } from './in-line.js';
import { Order } from './order.js';
import { countAhead } from './position.js';
import { host, pendingJob } from './scheduler-builder.test-support.js';

it('a place in line is that among all jobs, sorted; and the line is in that order', () => {
  const ask = fc.record({
    user: fc.constantFrom('ada', 'bob', 'cy'),
    priority: fc.integer({ min: -1, max: 1 }),
    gpus: fc.integer({ min: 1, max: 2 }),
    front: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(ask, { maxLength: 30 }), (asks) => {
      const builder = host(2).running(100, [0], { user: 'bob' }).running(101, [1], { user: 'cy', since: 50 });
      for (const [i, wants] of asks.entries()) builder.pending(i + 1, { ...wants, submitted: i });
      const { state } = builder;
      const order = new Order(state, 100_000);
      const sorted = [...state.pending.values()].sort((one, other) =>
        order.goesBefore(one, other) ? -1 : 1,
      );
      expect(sorted.map((job) => countAhead(state, order, job))).toEqual(sorted.map((_, i) => i));
      const most = Math.ceil(sorted.length / 2);
      expect(firstInLine(state, order, most)).toEqual(sorted.slice(0, most));
      // One that isn't there yet, too.
      expect(countAhead(state, order, pendingJob(999, { priority: -2 }))).toBe(sorted.length);
    }),
  );
});
