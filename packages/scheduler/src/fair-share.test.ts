import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Decision, decide } from './decide.js';
import { Order } from './order.js';
import { allocationOf, host, jobId, pendingJob } from './scheduler-builder.test-support.js';
import { apply, type PendingJob } from './state.js';
import { charge, decayed, type Usage, worth } from './usage.js';

const HOUR = 3600;
const users = {
  ada: { weight: 1, gpus: null, runningJobs: null },
  bob: { weight: 3, gpus: null, runningJobs: null },
};
const started = ({ placements }: Decision): number[] => placements.map(({ job }) => Number(job.slice(4)));

describe('among users of one priority', () => {
  it('who has used less goes first, whoever came first', () => {
    const builder = host(1).pending(1, { user: 'ada' }).pending(2, { user: 'bob' });
    expect(started(decide(builder.state, 0))).toEqual([1]);
    apply(builder.state, {
      type: 'past',
      usage: new Map([['ada', { gpuSeconds: HOUR, at: 0 }]]),
      lastUsed: new Map(),
    });
    expect(started(decide(builder.state, 0))).toEqual([2]);
  });

  it('what is held now counts as well as what is over', () => {
    const builder = host(3)
      .running(9, [0, 1], { user: 'ada' })
      .pending(1, { user: 'ada' })
      .pending(2, { user: 'bob' });
    expect(started(decide(builder.state, HOUR * 1000))).toEqual([2]);
  });

  it('one that has nothing yet does not get everything at once', () => {
    const builder = host(4);
    for (const number of [1, 2, 3, 4]) builder.pending(number, { user: 'ada' });
    for (const number of [5, 6, 7, 8]) builder.pending(number, { user: 'bob' });
    expect(started(decide(builder.state, 0)).sort()).toEqual([1, 2, 5, 6]);
  });

  it('a weight of three is three times as much', () => {
    const builder = host(8, 'host', { users });
    for (let number = 1; number <= 8; number += 1) builder.pending(number, { user: 'ada' });
    for (let number = 9; number <= 16; number += 1) builder.pending(number, { user: 'bob' });
    const ofAda = started(decide(builder.state, 0)).filter((number) => number <= 8);
    expect(ofAda).toHaveLength(2);
  });

  it('the order goes round in no circle, whatever the clock did between submissions', () => {
    const job = fc.record({
      user: fc.constantFrom('ada', 'bob'),
      priority: fc.integer({ min: 0, max: 1 }),
      front: fc.boolean(),
      submitted: fc.integer({ min: 0, max: 5 }),
    });
    fc.assert(
      fc.property(fc.array(job, { maxLength: 6 }), (wants) => {
        const jobs = wants.map((each, i) => pendingJob(i + 1, each));
        const { state } = host(1);
        for (const each of jobs) apply(state, { type: 'pending', job: each });
        const order = new Order(state, 0);
        for (const one of jobs)
          for (const two of jobs)
            for (const three of jobs)
              if (order.goesBefore(one, two) && order.goesBefore(two, three))
                expect(order.goesBefore(one, three)).toBe(true);
      }),
    );
  });

  it('priority comes before it, and so does one that gave way', () => {
    const usage = new Map([['ada', { gpuSeconds: HOUR, at: 0 }]]);
    const urgent = host(1).pending(1, { user: 'bob' }).pending(2, { user: 'ada', priority: 1 });
    apply(urgent.state, { type: 'past', usage, lastUsed: new Map() });
    expect(started(decide(urgent.state, 0))).toEqual([2]);
    const back = host(1).pending(1, { user: 'bob' }).pending(2, { user: 'ada', front: true });
    apply(back.state, { type: 'past', usage, lastUsed: new Map() });
    expect(started(decide(back.state, 0))).toEqual([2]);
    const behind = host(1).pending(1).pending(2, { front: true }).pending(3);
    expect(
      behind.state.shapes
        .values()
        .next()
        .value?.queue.map(({ number }) => number),
    ).toEqual([2, 1, 3]);
  });

  it('it is a start of a day at the most: who has waited for longer goes first, whatever has been used', () => {
    const day = 24 * HOUR;
    const behind = host(1).running(9, [0], { user: 'ada' }).pending(1, { user: 'ada', submitted: HOUR });
    const firstAt = (submitted: number): boolean => {
      const order = new Order(behind.state, 100 * day * 1000);
      return order.goesBefore(
        pendingJob(2, { user: 'bob', submitted }),
        pendingJob(1, { user: 'ada', submitted: HOUR }),
      );
    };
    expect(firstAt(HOUR + day / 4)).toBe(true);
    expect(firstAt(HOUR + day)).toBe(false);
    const off = host(1, 'host', { reachSeconds: 0 }).running(9, [0], { user: 'ada' });
    expect(
      new Order(off.state, day * 1000).goesBefore(
        pendingJob(2, { user: 'bob', submitted: HOUR + 1 }),
        pendingJob(1, { user: 'ada', submitted: HOUR }),
      ),
    ).toBe(false);
  });

  it('the start is as Slurm counts it: half of it for who has used just their share', () => {
    const { state } = host(4, 'host', { users }).pending(1, { user: 'cy' });
    const usage = new Map([
      ['ada', { gpuSeconds: 100, at: 0 }],
      ['bob', { gpuSeconds: 300, at: 0 }],
    ]);
    apply(state, { type: 'past', usage, lastUsed: new Map() });
    const order = new Order(state, 0);
    // Of five parts ada has one and bob has three; they have used a quarter and three.
    expect(order.factor('ada')).toBeCloseTo(2 ** -(1 / 4 / (1 / 5)), 9);
    expect(order.factor('bob')).toBeCloseTo(2 ** -(3 / 4 / (3 / 5)), 9);
    expect(order.factor('cy')).toBe(1);
  });

  it('a user who has used much gets devices in the end, however many jobs another one submits', () => {
    const { state } = host(1, 'host', { halfLifeSeconds: 24 * HOUR });
    apply(state, {
      type: 'past',
      usage: new Map([['ada', { gpuSeconds: 100 * HOUR, at: 0 }]]),
      lastUsed: new Map(),
    });
    apply(state, { type: 'pending', job: pendingJob(1, { user: 'ada' }) });
    let now = 0;
    for (let number = 2; state.pending.has(jobId(1)); number += 1) {
      // A day is what bob has over ada at the most.
      expect(number).toBeLessThanOrEqual(26);
      apply(state, { type: 'pending', job: pendingJob(number, { user: 'bob', submitted: now }) });
      const [placement] = decide(state, now * 1000).placements;
      const job = state.pending.get(placement?.job as string) as PendingJob;
      apply(state, { type: 'placed', allocation: allocationOf(state, job, ['host-0'], now) });
      now += HOUR;
      apply(state, { type: 'freed', job: job.id, at: now * 1000 });
    }
  });
});

describe('usage', () => {
  it('counts for half after a half-life', () => {
    expect(decayed({ gpuSeconds: 800, at: 0 }, 100_000, 100)).toBe(400);
    expect(decayed({ gpuSeconds: 800, at: 0 }, 300_000, 100)).toBe(100);
  });

  it('is the seconds times the devices, as long as that is short against a half-life', () => {
    expect(worth(4, 0, 60_000, 1e9)).toBeCloseTo(240, 3);
  });

  it('comes to the same, whether it is charged in one piece or in many, in whatever order they are told of', () => {
    const times = fc.array(fc.integer({ min: 0, max: 10_000_000 }), { minLength: 1, maxLength: 10 });
    fc.assert(
      fc.property(times, fc.integer({ min: 100, max: 1_000_000 }), (cuts, halfLife) => {
        const [end, ...rest] = [...cuts].sort((one, other) => other - one) as [number, ...number[]];
        const whole = charge(undefined, { gpus: 2, since: 0 }, end, halfLife);
        const ends = [...rest.reverse(), end];
        const pieces = ends.map((until, i) => ({ since: ends[i - 1] ?? 0, until }));
        for (const order of [pieces, pieces.toReversed()]) {
          const charged = order.reduce<Usage | undefined>(
            (usage, { since, until }) => charge(usage, { gpus: 2, since }, until, halfLife),
            undefined,
          );
          expect(charged?.at).toBe(end);
          expect(charged?.gpuSeconds).toBeCloseTo(whole.gpuSeconds, 3);
        }
      }),
    );
  });

  it('is charged once, to whom the job belonged, when it gives its devices back', () => {
    const { state } = host(2).running(1, [0, 1], { user: 'ada' });
    for (const at of [HOUR * 1000, 2 * HOUR * 1000]) apply(state, { type: 'freed', job: jobId(1), at });
    expect(state.usage.get('ada')).toEqual({
      gpuSeconds: worth(2, 0, HOUR * 1000, 7 * 24 * HOUR),
      at: HOUR * 1000,
    });
    expect(new Order(state, HOUR * 1000).factor('ada')).toBe(0.5);
  });
});
