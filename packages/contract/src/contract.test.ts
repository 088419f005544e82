import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  formatBytes,
  formatDuration,
  isEnded,
  JOB_TRANSITIONS,
  JobIdSchema,
  JobReferenceSchema,
  JobStateSchema,
  JobSubmissionSchema,
  makeJobId,
  parseBytes,
  parseDuration,
} from './index.js';

describe('sizes', () => {
  it.each([
    ['0', 0],
    ['1024', 1024],
    ['40GiB', 40 * 2 ** 30],
    ['40 gib', 40 * 2 ** 30],
    ['1.5GiB', 1.5 * 2 ** 30],
    ['500MB', 500_000_000],
    ['2TiB', 2 * 2 ** 40],
  ])('%j is %i bytes', (text, bytes) => {
    expect(parseBytes(text)).toBe(bytes);
  });

  it.each(['', 'GiB', '-1', '1e9', '40 potatoes', '9999999999TiB', '1,5GiB', 'x'.repeat(1e6)])(
    '%.20j is none',
    (text) => {
      expect(() => parseBytes(text)).toThrow(/no size|larger/);
    },
  );

  it.each([
    [0, '0 B'],
    [1023, '1023 B'],
    [1536, '1.5 KiB'],
    [85_520_809_984, '79.6 GiB'],
  ])('%i bytes are shown as %j', (bytes, text) => {
    expect(formatBytes(bytes)).toBe(text);
  });
});

describe('a warning of the time limit', () => {
  const refused = (job: object): (string | number)[][] => {
    const { error } = JobSubmissionSchema.safeParse({ command: ['x'], ...job });
    return error?.issues.map(({ path }) => path as (string | number)[]) ?? [];
  };

  it('needs a time limit that is longer', () => {
    expect(refused({ timeLimitWarning: { before: '5m' } })).toEqual([['timeLimitWarning']]);
    expect(refused({ timeLimit: '5m', timeLimitWarning: { before: 300 } })).toEqual([
      ['timeLimitWarning', 'before'],
    ]);
    expect(refused({ timeLimit: '6m', timeLimitWarning: { before: '5m' } })).toEqual([]);
  });
});

it.each(['SIGKILL', 'SIGSTOP', 'USR1', 10])('%j is no checkpoint signal', (checkpointSignal) => {
  expect(JobSubmissionSchema.safeParse({ command: ['x'], checkpointSignal }).success).toBe(false);
});

describe('durations', () => {
  it.each([
    ['90', 90],
    ['90s', 90],
    ['1h30m', 5400],
    ['0.5h', 1800],
    ['2d', 172_800],
    ['02:00:00', 7200],
    ['1-12:00:00', 129_600],
  ])('%j is %i seconds', (text, seconds) => {
    expect(parseDuration(text)).toBe(seconds);
  });

  it.each(['', 'soon', '1w', '-5s', '1:2', '1h 30m', '99:99:99'])('%j is none', (text) => {
    expect(() => parseDuration(text)).toThrow(/no duration/);
  });

  it.each([
    [0, '0s'],
    [0.42, '0.4s'],
    [65, '1m 5s'],
    [100_800, '1d 4h'],
  ])('%d seconds are shown as %j', (seconds, text) => {
    expect(formatDuration(seconds)).toBe(text);
  });
});

describe('job ids', () => {
  it('have their form, sort by time, and differ', () => {
    const random = (bytes: Uint8Array): Uint8Array => crypto.getRandomValues(bytes);
    fc.assert(
      fc.property(fc.nat({ max: 2 ** 44 }), fc.nat({ max: 2 ** 44 }), (one, other) => {
        const [a, b] = [makeJobId(one, random), makeJobId(other, random)];
        expect(JobIdSchema.safeParse(a).success).toBe(true);
        expect(a).not.toBe(b);
        if (one !== other) expect(a < b).toBe(one < other);
      }),
    );
  });

  it.each(['0', '042', '-1', 'job_', 'job_short', '12345678901234567890', 'last'])(
    '%j names no job',
    (reference) => {
      expect(JobReferenceSchema.safeParse(reference).success).toBe(false);
    },
  );
});

it('the state machine leaves no ended job but by a requeue, and reaches every state', () => {
  const reached = new Set<string>(['pending']);
  for (const [transition, table] of Object.entries(JOB_TRANSITIONS)) {
    for (const [from, to] of Object.entries(table)) {
      if (transition !== 'requeue') expect(isEnded(JobStateSchema.parse(from))).toBe(false);
      for (const state of to) reached.add(state);
    }
  }
  expect([...reached].sort()).toEqual([...JobStateSchema.options].sort());
});

it('a submission gets its defaults, and its sizes and durations as numbers', () => {
  expect(JobSubmissionSchema.parse({ command: ['true'], timeLimit: '2h', gracePeriod: '1m' })).toEqual({
    command: ['true'],
    labels: {},
    environment: {},
    launch: 'single',
    priority: 0,
    timeLimit: 7200,
    gracePeriod: 60,
    preemptible: false,
    hold: false,
    after: [],
    onDependencyFailure: 'fail',
    notify: [],
  });
});
