import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Decision, decide } from './decide.js';
import {
  allocationOf,
  host,
  jobId,
  pendingJob,
  type SchedulerBuilder,
} from './scheduler-builder.test-support.js';
import { apply, type PendingJob, shapeKey } from './state.js';

const DAY = 86_400;
const at = (seconds: number): number => seconds * 1000;
const started = ({ placements }: Decision): number[] => placements.map(({ job }) => Number(job.slice(4)));
const reasonOf = ({ state }: SchedulerBuilder, number: number, seconds = 0): string | undefined => {
  const job = state.pending.get(jobId(number));
  return job && decide(state, at(seconds)).reasons.get(shapeKey(job.needs))?.sentence;
};

/** Job 1 has device 0 for an hour; job 2 waits for both. */
const waiting = () => host(2).running(1, [0], { limit: 3600 }).pending(2, { gpus: 2 });

describe('while a job waits for several devices', () => {
  it('one that is over in time may use those that are free', () => {
    expect(started(decide(waiting().pending(3, { limit: 3600 }).state, at(0)))).toEqual([3]);
    expect(started(decide(waiting().pending(3, { limit: 1800 }).state, at(1800)))).toEqual([3]);
  });

  it('one that would delay it may not', () => {
    expect(started(decide(waiting().pending(3, { limit: 3601 }).state, at(0)))).toEqual([]);
    expect(started(decide(waiting().pending(3, { limit: 1801 }).state, at(1800)))).toEqual([]);
  });

  it('one without a time limit may not: nobody knows when it ends', () => {
    expect(started(decide(waiting().pending(3).state, at(0)))).toEqual([]);
  });

  it('says when it starts at the latest, where that is promised', () => {
    expect(reasonOf(waiting(), 2)).toContain('starts by 1970-01-01T01:00Z at the latest');
    const unknown = host(2).running(1, [0]).pending(2, { gpus: 2 });
    expect(reasonOf(unknown, 2)).not.toContain('at the latest');
  });

  it('a plan is made for who runs without a limit, so that short jobs may pass, but nothing is promised', () => {
    const unlimited = () => host(2).running(1, [0]).pending(2, { gpus: 2 });
    expect(started(decide(unlimited().pending(3, { limit: 3600 }).state, at(0)))).toEqual([3]);
    expect(started(decide(unlimited().pending(3, { limit: DAY + 1 }).state, at(0)))).toEqual([]);
  });

  it('another that waits too has its own place behind it, which is not taken either', () => {
    // Job 3 gets both devices after job 2, which is over at two hours.
    const two = waiting().pending(3, { gpus: 2, limit: 60 });
    two.state.pending.get(jobId(2));
    expect(started(decide(two.pending(4, { limit: 3600 }).state, at(0)))).toEqual([4]);
    expect(started(decide(two.pending(5, { limit: 3601 }).state, at(0)))).toEqual([4]);
  });

  it('devices that it does not wait for are free for all', () => {
    const builder = host(3)
      .running(1, [0], { limit: 60 })
      .pending(2, { mask: [0, 1] })
      .pending(3, { mask: [2] });
    expect(started(decide(builder.state, at(0)))).toEqual([3]);
  });
});

const ask = fc.record({
  gpus: fc.integer({ min: 1, max: 4 }),
  limit: fc.option(fc.integer({ min: 1, max: 5000 }), { nil: undefined }),
});

describe('for any queue of jobs with time limits', () => {
  /** Runs all jobs on four devices, each for a part of its limit. @returns when each started, and when it was to at the latest */
  function simulate(asks: readonly { gpus: number; limit: number; lasts: number }[]) {
    const { state } = host(4);
    const promised = new Map<number, number>();
    const began = new Map<number, number>();
    const running: { number: number; ends: number }[] = [];
    asks.forEach(({ gpus, limit }, i) => {
      apply(state, { type: 'pending', job: pendingJob(i + 1, { gpus, limit }) });
    });
    let now = 0;
    for (let rounds = 0; began.size < asks.length || running.length > 0; rounds += 1) {
      expect(rounds).toBeLessThan(5 * asks.length + 5);
      const { placements, reasons } = decide(state, at(now));
      for (const { job, devices } of placements) {
        const number = Number(job.slice(4));
        const { limit, lasts } = asks[number - 1] as (typeof asks)[0];
        const uuids = devices.map(({ uuid }) => uuid);
        const pending = state.pending.get(job) as PendingJob;
        apply(state, { type: 'placed', allocation: allocationOf(state, pending, uuids, now) });
        began.set(number, now);
        running.push({ number, ends: now + Math.max(1, Math.ceil(limit * lasts)) });
      }
      const [first] = [...state.pending.values()].sort((one, other) => one.number - other.number);
      const latest =
        first && /by (\S+)Z at the latest/.exec(reasons.get(shapeKey(first.needs))?.sentence ?? '')?.[1];
      if (first && latest) {
        const promise = Date.parse(`${latest}:00Z`) / 1000;
        promised.set(first.number, Math.min(promise, promised.get(first.number) ?? promise));
      }
      running.sort((one, other) => one.ends - other.ends);
      const next = running.shift();
      if (!next) continue;
      now = next.ends;
      apply(state, { type: 'freed', job: jobId(next.number), at: now * 1000 });
    }
    return { began, promised };
  }

  it('all run, and who was first in line starts when it was promised to at the latest', () => {
    const jobs = fc.array(
      fc.record({
        gpus: fc.integer({ min: 1, max: 4 }),
        limit: fc.integer({ min: 1, max: 5000 }),
        lasts: fc.double({ min: 0.01, max: 1, noNaN: true }),
      }),
      { maxLength: 25 },
    );
    fc.assert(
      fc.property(jobs, (asks) => {
        const { began, promised } = simulate(asks);
        expect(began.size).toBe(asks.length);
        for (const [number, latest] of promised) expect(began.get(number)).toBeLessThanOrEqual(latest);
      }),
    );
  });

  it('a state decides the same whatever the order in which it was told of things', () => {
    fc.assert(
      fc.property(fc.array(ask, { maxLength: 20 }), (asks) => {
        const forwards = host(4).running(99, [0, 1], { limit: 1000 });
        for (const [i, wants] of asks.entries()) forwards.pending(i + 1, wants as { gpus: number });
        const backwards = host(4);
        for (let i = asks.length - 1; i >= 0; i -= 1) backwards.pending(i + 1, asks[i] as { gpus: number });
        backwards.running(99, [0, 1], { limit: 1000 });
        expect(decide(backwards.state, at(500))).toEqual(decide(forwards.state, at(500)));
      }),
    );
  });
});
