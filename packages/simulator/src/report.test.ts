import { describe, expect, it } from 'vitest';
import { jain, reportOn, spread } from './report.js';
import { duration, renderTable } from './table.js';
import { traceOf } from './trace-builder.test-support.js';

describe('a report', () => {
  const [first, second] = traceOf(
    { user: 'ada', gpus: 1, duration: 100 },
    { user: 'bo', gpus: 4, duration: 20, submit: 40 },
  );
  if (!first || !second) throw new Error('the trace has two jobs');
  const report = reportOn(
    [
      { job: first, start: 0, end: 100, devices: ['a'] },
      { job: second, start: 100, end: 120, devices: ['a', 'b', 'c', 'd'] },
    ],
    4,
  );

  it('counts what was waited for, by size too', () => {
    expect(report.waitSeconds).toEqual({ mean: 30, median: 0, p90: 60, p99: 60, largest: 60 });
    expect(report.bySize.map(({ gpus, jobs, waitSeconds }) => [gpus, jobs, waitSeconds.mean])).toEqual([
      ['1', 1, 0],
      ['4 to 7', 1, 60],
    ]);
    expect(report.largestWaitOfLargeSeconds).toBe(60);
  });

  it('counts slowdown, utilisation while jobs arrive, and the makespan', () => {
    expect(report.boundedSlowdown).toMatchObject({ mean: 2.5, largest: 4 });
    expect(report.utilisation).toBe(0.25);
    expect(report.makespanSeconds).toBe(120);
  });

  it('tells the busiest users from the others', () => {
    expect(report.byUsers?.busiest).toMatchObject({ users: 1, jobs: 1, waitSeconds: { mean: 0 } });
    expect(report.byUsers?.others).toMatchObject({ users: 1, jobs: 1, waitSeconds: { mean: 60 } });
    const alone = reportOn([{ job: first, start: 0, end: 100, devices: ['a'] }], 4);
    expect(alone.byUsers).toBeNull();
  });

  it('counts fairness between users', () => {
    expect(report.fairness.slowdown).toBeCloseTo(jain([1, 4]));
    expect(report.fairness.share).toBeCloseTo(jain([0.4, 0]));
  });

  it('bounds the slowdown of the shortest', () => {
    const [job] = traceOf({ duration: 1 });
    if (!job) throw new Error('the trace has a job');
    const { boundedSlowdown, utilisation } = reportOn([{ job, start: 19, end: 20, devices: ['a'] }], 1);
    expect(boundedSlowdown.mean).toBe(2);
    expect(utilisation).toBeNull();
  });

  it('becomes a table with a column for each policy', () => {
    const table = renderTable([
      { policy: 'one', ...report },
      { policy: 'other', ...report },
    ]).split('\n');
    expect(table[0]).toMatch(/^\|\s+\|\s+one \|\s+other \|$/);
    expect(table).toContainEqual(expect.stringMatching(/^\| wait, mean\s+\|\s+30s \|\s+30s \|$/));
    expect(new Set(table.map(({ length }) => length)).size).toBe(1);
  });
});

describe('figures', () => {
  it('of a spread are those of ranks', () => {
    const values = Array.from({ length: 100 }, (_, i) => 100 - i);
    expect(spread(values)).toEqual({ mean: 50.5, median: 50, p90: 90, p99: 99, largest: 100 });
  });

  it('of fairness go from 1 over n to 1', () => {
    expect(jain([3, 3, 3])).toBe(1);
    expect(jain([1, 0, 0, 0])).toBe(0.25);
    expect(jain([0, 0])).toBe(1);
  });

  it.each([
    [0, '0s'],
    [59.6, '1m 00s'],
    [200, '3m 20s'],
    [7500, '2h 05m'],
    [86_399.7, '1d 00h'],
    [111_600, '1d 07h'],
  ])('of %d seconds are written %s', (seconds, text) => {
    expect(duration(seconds)).toBe(text);
  });
});
