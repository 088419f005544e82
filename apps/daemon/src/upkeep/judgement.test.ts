import { describe, expect, it } from 'vitest';
import { logsThatGo, type Retention } from './judgement.js';

const NOW = 1_000_000;
const POLICY: Retention = { jobs: 0, mostJobs: 0, logs: 100, logBytes: 1000, every: 1 };
const file = (id: string, secondsAgo: number, bytes: number) => ({
  id,
  endedAt: NOW - secondsAgo * 1000,
  bytes,
});
const going = (files: ReturnType<typeof file>[], others = 0) =>
  logsThatGo(files, others, POLICY, NOW).map(({ id }) => id);

describe('logs go', () => {
  it('when they are too old, however small', () => {
    expect(going([file('new', 99, 1), file('old', 100, 1)])).toEqual(['old']);
  });

  it('the oldest first while all together are too large, and no more than that', () => {
    expect(going([file('c', 1, 400), file('a', 3, 400), file('b', 2, 400)])).toEqual(['a']);
  });

  it('for the sake of jobs that run, too', () => {
    expect(going([file('a', 3, 400), file('b', 2, 400)], 900)).toEqual(['a', 'b']);
  });

  it('once only: what has no files any more stays out', () => {
    expect(going([file('gone', 5000, 0)])).toEqual([]);
  });
});
