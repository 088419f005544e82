import { describe, expect, it } from 'vitest';
import type { Attempt } from './job.js';
import type { JobState } from './job-state.js';
import { ranSeconds, waitsSeconds } from './job-time.js';

const at = (second: number): string => new Date(second * 1000).toISOString();
const NOW = 100;
/** The seconds at which attempts started and ended; null: not yet. */
const times = (state: JobState, ...attempts: [number | null, number | null][]) => {
  const job = {
    state,
    submittedAt: at(10),
    attempts: attempts.map(
      ([start, end]) =>
        ({
          startedAt: start === null ? null : at(start),
          endedAt: end === null ? null : at(end),
        }) as Attempt,
    ),
  };
  return { ran: ranSeconds(job, NOW * 1000), waits: waitsSeconds(job, NOW * 1000) };
};

describe('the time of a job', () => {
  it.each<[string, ReturnType<typeof times>, number | null, number | null]>([
    ['waits since it was submitted', times('pending'), null, 90],
    ['waits until it has started', times('starting', [null, null]), null, 90],
    ['runs', times('running', [40, null]), 60, null],
    ['ran, its waits for a retry left out', times('failed', [20, 21], [77, 79]), 3, null],
    ['waits since its last attempt ended', times('pending', [20, 30], [null, 60]), 10, 40],
    ['runs again', times('running', [20, 30], [95, null]), 15, null],
    ['never ran, and waits no more', times('cancelled'), null, null],
    ['did not come to its start', times('cancelled', [null, 43]), null, null],
  ])('%s', (_, said, ran, waits) => {
    expect(said).toEqual({ ran, waits });
  });
});
