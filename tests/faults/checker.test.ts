import type { Attempt, Cause, Job } from '@berth/contract';
import { describe, expect, it } from 'vitest';
import { type Evidence, type Note, violations } from './checker.js';
import type { PlannedJob } from './planned-job.js';

const ID = 'job_1';
const PLANNED: PlannedJob = {
  submission: { name: 'faults-0', command: ['job.sh'], environment: { FAULTS_DOES: 'plain' } },
  exits: [0],
  retries: 0,
  id: ID,
  cancel: 'none',
  requeue: 'none',
};

const note = (what: Note['what'], detail: string, attempt = 1): Note => ({
  what,
  attempt,
  rank: 0,
  pid: 7,
  detail,
  at: 1,
});

function attempt(number: number, exitCode: number | null, why: Cause['code'] | null = null): Attempt {
  const cause = why && { code: why, sentence: 'it was so', rank: null, exitCode: null, signal: null };
  const task = { rank: 0, exitCode, startedAt: '2026-01-01T00:00:00.000Z' };
  return { number, stoppingAt: null, cause, tasks: [task] } as unknown as Attempt;
}

/** One job that did what it was meant to. */
function evidence(
  changes: {
    planned?: Partial<PlannedJob>;
    job?: Partial<Job> | null;
    notes?: Note[];
    harmed?: boolean;
  } = {},
): Evidence {
  const job = {
    id: ID,
    state: 'succeeded',
    cause: null,
    after: [],
    attempts: [attempt(1, 0)],
    ...changes.job,
  } as Job;
  return {
    planned: [{ ...PLANNED, ...changes.planned }],
    ledger: new Map(changes.job === null ? [] : [[ID, job]]),
    notes: new Map([[ID, changes.notes ?? [note('start', '0'), note('end', '0')]]]),
    harmed: new Set(changes.harmed ? [ID] : []),
    devicesFailed: false,
  };
}

const failedWith = (exitCode: number | null): Partial<Job> => ({
  state: 'failed',
  cause: { code: 'exit_code', sentence: 'said so', rank: 0, exitCode, signal: null },
  attempts: [attempt(1, exitCode)],
});

describe('the checker finds nothing wrong with', () => {
  it.each<[string, Evidence]>([
    ['a job that did what it was meant to', evidence()],
    [
      'one that was to fail',
      evidence({
        planned: { exits: [7] },
        job: failedWith(7),
        notes: [note('start', '0'), note('end', '7')],
      }),
    ],
    [
      'one whose first attempt was never started',
      evidence({
        planned: { exits: [7, 0], retries: 2 },
        job: { attempts: [attempt(2, 0)] },
        notes: [note('start', '0', 2), note('end', '0', 2)],
      }),
    ],
    [
      'one that somebody had run again after its success',
      evidence({
        planned: { requeue: 'granted' },
        job: { attempts: [attempt(1, 0), attempt(2, 0)] },
        notes: [1, 2].flatMap((each) => [note('start', '0', each), note('end', '0', each)]),
      }),
    ],
    [
      'one that gave way, saved its work with words of its own, and came back',
      evidence({
        planned: { submission: { ...PLANNED.submission, preemptible: true } },
        job: { attempts: [attempt(1, 75, 'preempted'), attempt(2, 0)] },
        notes: [
          note('start', '0'),
          note('end', '0'),
          note('end', '75'),
          note('start', '0', 2),
          note('end', '0', 2),
        ],
      }),
    ],
    [
      'one that may have been cancelled',
      evidence({ planned: { cancel: 'unanswered' }, job: { state: 'cancelled' } }),
    ],
    ['one whose shim was killed', evidence({ job: failedWith(null), harmed: true })],
  ])('%s', (_what, given) => {
    expect(violations(given)).toEqual([]);
  });
});

describe('the checker finds', () => {
  it.each<[string, Evidence, RegExp]>([
    ['a lost job', evidence({ job: null }), /acknowledged and is lost/],
    ['a job without an answer', evidence({ planned: { id: null } }), /never acknowledged/],
    [
      'a second start',
      evidence({ notes: [note('start', '0'), note('start', '0'), note('end', '0')] }),
      /task 1\.0 was started twice/,
    ],
    [
      'two holders of a device',
      evidence({ notes: [note('start', '0'), note('overlap', '0'), note('end', '0')] }),
      /somebody on its device 0/,
    ],
    ['a success that never was', evidence({ notes: [note('start', '0')] }), /never came to its end/],
    ['a wrong exit code', evidence({ job: failedWith(3) }), /said 0, the ledger says 3/],
    ['an end that nobody asked for', evidence({ job: { state: 'cancelled' } }), /nobody asked for that/],
    ['a job that never ended', evidence({ job: { state: 'running' } }), /running in the end/],
    [
      'a retry that was not made',
      evidence({
        planned: { exits: [7, 0], retries: 2 },
        job: failedWith(7),
        notes: [note('start', '0'), note('end', '7')],
      }),
      /retries left/,
    ],
    [
      'a start after a success',
      evidence({
        job: { attempts: [attempt(1, 0), attempt(2, 0)] },
        notes: [1, 2].flatMap((each) => [note('start', '0', each), note('end', '0', each)]),
      }),
      /started again after it had succeeded/,
    ],
    [
      'a cancel that was acknowledged and not done',
      evidence({ planned: { cancel: 'granted' } }),
      /its cancel was acknowledged, and it has succeeded/,
    ],
    [
      'a requeue that was acknowledged and not done',
      evidence({ planned: { requeue: 'granted' } }),
      /its requeue was acknowledged, and it was started 1 times/,
    ],
    [
      'a requeue that was done twice',
      evidence({
        planned: { requeue: 'granted' },
        job: { attempts: [attempt(1, 0), attempt(2, 0), attempt(3, 0)] },
        notes: [1, 2, 3].flatMap((each) => [note('start', '0', each), note('end', '0', each)]),
      }),
      /started 3 times/,
    ],
    [
      'an attempt that gave way without having to',
      evidence({
        job: { attempts: [attempt(1, null, 'preempted'), attempt(2, 0)] },
        notes: [note('start', '0'), note('start', '0', 2), note('end', '0', 2)],
      }),
      /attempt 1 was ended, and nobody might/,
    ],
    ['a stranger', { ...evidence(), notes: new Map([['job_2', []]]) }, /nobody submitted it/],
  ])('%s', (_what, given, sentence) => {
    expect(violations(given).join('\n')).toMatch(sentence);
  });
});
