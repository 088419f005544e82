import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decide } from './decide.js';
import { explain } from './explain.js';
import { host, jobId, pendingJob, type SchedulerBuilder } from './scheduler-builder.test-support.js';

const clock = 0;
const explained = ({ state }: SchedulerBuilder, number: number) => {
  const job = state.pending.get(jobId(number)) ?? pendingJob(number, {});
  return explain(state, job, clock);
};
const verdicts = (builder: SchedulerBuilder, number: number): string[] =>
  explained(builder, number).verdicts.map(({ verdict, why }) => `${verdict}: ${why}`);

describe('an explanation', () => {
  it('says of every device why the job does not have it', () => {
    const builder = host(5)
      .running(1, [0], { limit: 3600 })
      .running(2, [1])
      .obstructed(2, 'drained', 'a fan rattles')
      .pending(3, { mask: [0, 3] })
      .pending(4, { mask: [0, 1, 2, 3], gpus: 1 });
    expect(verdicts(builder, 4)).toEqual([
      'held: job 1 has it, until 1970-01-01T01:00Z at the latest',
      'held: job 2 has it, which has no time limit',
      'obstructed: it is kept from jobs: a fan rattles',
      'reserved: it is free, but kept for job 3, which is ahead and waits for 2 free devices',
      "ruledOut: the job's mask does not name it",
    ]);
  });

  it('says whose devices it gets by preemption', () => {
    const builder = host(1).running(1, [0], { preemptible: true, priority: -1, grace: 60 }).pending(2);
    expect(verdicts(builder, 2)).toEqual([
      'held: job 1 has it, which has no time limit, and gives way to this one',
    ]);
    expect(explained(builder, 2)).toMatchObject({ latestStart: 60_000, unknownBecause: null });
  });

  it('counts who is ahead, by priority and age', () => {
    const builder = host(1).running(1, [0]).pending(2).pending(3, { priority: 5 }).pending(4).pending(5);
    expect(explained(builder, 4).ahead).toBe(2);
    expect(explained(builder, 3).ahead).toBe(0);
  });

  it('promises the latest start where all limits are known, also behind others in line', () => {
    const builder = host(1)
      .running(1, [0], { limit: 600 })
      .pending(2, { limit: 1200 })
      .pending(3, { limit: 60 });
    expect(explained(builder, 2)).toMatchObject({ latestStart: 600_000, unknownBecause: null });
    expect(explained(builder, 3)).toMatchObject({ latestStart: 1_800_000, unknownBecause: null });
  });

  it('says whose limit is missing where nothing can be promised', () => {
    const builder = host(1).running(7, [0]).pending(2);
    expect(explained(builder, 2)).toMatchObject({
      latestStart: null,
      unknownBecause: 'job 7 has no time limit',
    });
    const behind = host(1).running(7, [0], { limit: 60 }).pending(2).pending(3);
    expect(explained(behind, 3).unknownBecause).toBe('a job that is ahead of it has no time limit');
    const gone = host(1).obstructed(0, 'lost', 'it is lost').pending(2);
    expect(explained(gone, 2).unknownBecause).toContain('not there, or kept from jobs');
  });

  it('says what would make it start sooner', () => {
    const gang = host(4).running(1, [0], { limit: 3600 }).pending(2, { gpus: 4 });
    expect(explained(gang, 2).sooner).toEqual(['with gpus: 3 it would start now']);
    expect(explained(gang.pending(3), 3).sooner).toEqual([
      'with a time limit (and grace period) of at most 60 minutes it would start now',
    ]);
    const masked = host(2)
      .running(1, [0])
      .pending(2, { mask: [0] });
    expect(explained(masked, 2).sooner).toEqual(['its mask rules 1 of 2 devices out']);
  });

  it('serves for a job that nobody has submitted', () => {
    expect(explain(host(1).state, pendingJob(9, {}), clock)).toMatchObject({
      startsNow: true,
      latestStart: 0,
    });
  });

  it('agrees with the decision on who starts now', () => {
    const wants = fc.record({
      gpus: fc.integer({ min: 1, max: 3 }),
      limit: fc.option(fc.integer({ min: 1, max: 500 }), { nil: undefined }),
      priority: fc.integer({ min: 0, max: 1 }),
    });
    fc.assert(
      fc.property(fc.array(wants, { minLength: 1, maxLength: 12 }), (asks) => {
        const builder = host(4).running(99, [0], { limit: 100 });
        for (const [i, { limit, ...ask }] of asks.entries())
          builder.pending(i + 1, limit === undefined ? ask : { ...ask, limit });
        const placed = new Set(decide(builder.state, clock).placements.map(({ job }) => job));
        for (const job of builder.state.pending.values())
          expect(explain(builder.state, job, clock).startsNow).toBe(placed.has(job.id));
      }),
    );
  });
});
