import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decide } from './decide.js';
import {
  allocationOf,
  host,
  jobId,
  pendingJob,
  type SchedulerBuilder,
} from './scheduler-builder.test-support.js';
import { apply, type PendingJob, shapeKey } from './state.js';

const HOUR = 3600;
const background = { preemptible: true, priority: -10 };
const displaced = ({ state }: SchedulerBuilder, now = HOUR): number[] =>
  decide(state, now * 1000).preemptions.map(({ number }) => number);

describe('a job that gives way', () => {
  it('does so for one of higher priority that could not start otherwise', () => {
    const builder = host(1).running(1, [0], background).pending(2);
    expect(decide(builder.state, 0).preemptions).toEqual([
      { job: jobId(1), number: 1, attempt: 1, by: pendingJob(2, {}) },
    ]);
    expect(decide(builder.state, 0).placements).toEqual([]);
  });

  it.each([
    ['allowed it', { priority: -10 }, {}],
    ['is of lower priority', { preemptible: true }, {}],
    ['has what the other one could use', background, { mask: [1] }],
    ['is in the way', background, { mask: [2] }],
  ])('only where it %s', (_, running, wants) => {
    expect(
      displaced(
        host(3)
          .running(1, [0], running)
          .running(9, [1])
          .pending(2, { gpus: 3, ...wants }),
      ),
    ).toEqual([]);
  });

  it('does not where the other one can start, or will as soon by itself', () => {
    expect(displaced(host(2).running(1, [0], background).pending(2))).toEqual([]);
    const soon = host(2)
      .running(1, [0], { ...background, grace: 60 })
      .running(3, [1], { limit: HOUR + 60 });
    expect(displaced(soon.pending(2))).toEqual([]);
    const late = host(2)
      .running(1, [0], { ...background, grace: 60 })
      .running(3, [1], { limit: HOUR + 61 });
    expect(displaced(late.pending(2))).toEqual([1]);
  });

  it('does not for one that a limit keeps waiting', () => {
    const users = { ada: { weight: 1, gpus: 0, runningJobs: null } };
    expect(
      displaced(
        host(1, 'host', { users })
          .running(1, [0], { ...background, user: 'bob' })
          .pending(2),
      ),
    ).toEqual([]);
  });

  it('is of the lowest priority, then one that loses the least', () => {
    const low = host(3)
      .running(1, [0], { preemptible: true, priority: -1, since: HOUR - 1 })
      .running(2, [1], { preemptible: true, priority: -5 })
      .running(3, [2], { preemptible: true, priority: -5, since: 60 });
    expect(displaced(low.pending(4))).toEqual([3]);
  });

  it('is no more than are needed: free devices count, and one large job rather than two that lost more', () => {
    const builder = host(5)
      .running(1, [0], { ...background })
      .running(2, [1], { ...background })
      .running(3, [2, 3], { ...background, since: HOUR - 60 });
    expect(displaced(builder.pending(4, { gpus: 3 }))).toEqual([3]);
    const small = host(4).running(1, [0, 1], background).running(2, [2], background).running(3, [3]);
    expect(displaced(small.pending(4))).toEqual([2]);
  });

  it('is not asked again, and nobody else is, while it leaves', () => {
    const builder = host(2).running(1, [0], background).running(3, [1], background).pending(2);
    expect(displaced(builder)).toEqual([1]);
    apply(builder.state, { type: 'leaving', job: jobId(1), until: (HOUR + 30) * 1000 });
    expect(displaced(builder)).toEqual([]);
    // Nobody without an end slips in before it either.
    builder.pending(5, { gpus: 2 }).pending(6);
    expect(decide(builder.state, HOUR * 1000).placements).toEqual([]);
  });

  it('leaves to each of two that wait a device of its own', () => {
    const builder = host(2).running(1, [0], background).running(3, [1], background).pending(2).pending(4);
    expect(displaced(builder).sort()).toEqual([1, 3]);
    apply(builder.state, { type: 'leaving', job: jobId(1), until: (HOUR + 30) * 1000 });
    expect(displaced(builder)).toEqual([3]);
  });

  it('makes room by leaving a shared device, alone where that is enough', () => {
    const gib = (count: number) => ({ share: { memoryBytes: count * 2 ** 30 } });
    const shared = host(1)
      .like([{ memoryBytes: 80 * 2 ** 30 }])
      .running(1, [0], { ...background, ...gib(30) });
    shared.running(2, [0], { ...background, ...gib(40), since: 60 });
    expect(displaced(shared.pending(3, gib(40)))).toEqual([1]);
    apply(shared.state, { type: 'gone', job: jobId(3) });
    expect(displaced(shared.pending(4, gib(45)))).toEqual([2]);
    apply(shared.state, { type: 'gone', job: jobId(4) });
    expect(displaced(shared.pending(5)).sort()).toEqual([1, 2]);
  });

  it('is named to the one that waits', () => {
    const { state } = host(1).running(1, [0], background).pending(2);
    expect(decide(state, 0).reasons.get(shapeKey(pendingJob(2, {}).needs))?.sentence).toBe(
      'needs 1 free device; 0 of the 1 that it may use are free: device 0 is held by job 1; job 1 gives way to the first in line',
    );
  });
});

it('whatever runs, whoever gives way allowed it, is of lower priority, and the one that waits then starts', () => {
  const running = fc.record({
    gpus: fc.integer({ min: 1, max: 3 }),
    priority: fc.integer({ min: -2, max: 2 }),
    preemptible: fc.boolean(),
    since: fc.nat({ max: 3000 }),
  });
  const asks = fc.record({ gpus: fc.integer({ min: 1, max: 6 }), priority: fc.integer({ min: -2, max: 2 }) });
  fc.assert(
    fc.property(fc.array(running, { maxLength: 8 }), asks, (jobs, ask) => {
      const builder = host(6);
      let next = 0;
      for (const [i, { gpus, ...job }] of jobs.entries()) {
        if (next + gpus > 6) continue;
        builder.running(
          i + 2,
          Array.from({ length: gpus }, (_, k) => next + k),
          job,
        );
        next += gpus;
      }
      const { state } = builder.pending(100, ask);
      const { preemptions, placements } = decide(state, HOUR * 1000);
      const could = jobs.filter((_, i) => {
        const held = state.allocations.get(jobId(i + 2));
        return held?.needs.preemptible && held.needs.priority < ask.priority;
      });
      const obtainable = 6 - next + could.reduce((sum, { gpus }) => sum + gpus, 0);
      if (placements.length > 0) expect(preemptions).toEqual([]);
      else expect(preemptions.length > 0).toBe(obtainable >= ask.gpus);
      for (const { job } of preemptions) {
        const held = state.allocations.get(job);
        expect(held?.needs.preemptible && held.needs.priority < ask.priority).toBe(true);
        apply(state, { type: 'freed', job, at: HOUR * 1000 });
      }
      if (preemptions.length > 0) expect(decide(state, HOUR * 1000).placements).toHaveLength(1);
    }),
  );
});

it('loses the least work of all choices', () => {
  const victims = fc.array(
    fc.record({ gpus: fc.integer({ min: 1, max: 3 }), since: fc.nat({ max: 3000 }) }),
    { minLength: 1, maxLength: 6 },
  );
  fc.assert(
    fc.property(victims, fc.integer({ min: 1, max: 8 }), (jobs, wanted) => {
      const count = jobs.reduce((sum, { gpus }) => sum + gpus, 0);
      if (wanted > count) return;
      const builder = host(count);
      let next = 0;
      for (const [i, { gpus, since }] of jobs.entries()) {
        builder.running(
          i + 1,
          Array.from({ length: gpus }, (_, k) => next + k),
          { ...background, since },
        );
        next += gpus;
      }
      const { state } = builder.pending(100, { gpus: wanted });
      const lost = (chosen: readonly { gpus: number; since: number }[]): number =>
        chosen.reduce((sum, { gpus, since }) => sum + gpus * (HOUR - since), 0);
      const chosen = decide(state, HOUR * 1000).preemptions.map(
        ({ number }) => jobs[number - 1] as (typeof jobs)[0],
      );
      const choices = Array.from({ length: 2 ** jobs.length }, (_, bits) =>
        jobs.filter((__, i) => (bits >> i) & 1),
      );
      const enough = choices.filter((choice) => choice.reduce((sum, { gpus }) => sum + gpus, 0) >= wanted);
      expect(lost(chosen)).toBe(Math.min(...enough.map(lost)));
    }),
  );
});

it('a low job runs to its end in the end, though it gives way again and again', () => {
  const { state } = host(1);
  apply(state, { type: 'pending', job: pendingJob(1, background) });
  let now = 0;
  for (let number = 2; number < 20; number += 1) {
    const [low] = decide(state, now * 1000).placements;
    expect(low?.job).toBe(jobId(1));
    apply(state, {
      type: 'placed',
      allocation: allocationOf(state, pendingJob(1, background), ['host-0'], now),
    });
    apply(state, { type: 'pending', job: pendingJob(number, {}) });
    expect(decide(state, now * 1000).preemptions).toHaveLength(1);
    now += 10;
    apply(state, { type: 'freed', job: jobId(1), at: now * 1000 });
    apply(state, { type: 'pending', job: pendingJob(1, { ...background, front: true }) });
    const [high] = decide(state, now * 1000).placements;
    expect(high?.job).toBe(jobId(number));
    const pending = state.pending.get(high?.job as string) as PendingJob;
    apply(state, { type: 'placed', allocation: allocationOf(state, pending, ['host-0'], now) });
    now += 10;
    apply(state, { type: 'freed', job: pending.id, at: now * 1000 });
  }
});
