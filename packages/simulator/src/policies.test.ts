import { describe, expect, it } from 'vitest';
import { parseCluster } from './cluster.js';
import { makePolicy, POLICY_NAMES, type PolicyName } from './policies.js';
import { replay } from './replay.js';
import { traceOf } from './trace-builder.test-support.js';

/** When each job starts, in the order of submission. */
function starts(policy: PolicyName, cluster: string, trace: ReturnType<typeof traceOf>): number[] {
  const runs = replay(trace, makePolicy(policy, parseCluster(cluster)));
  return trace.map((job) => runs.find((run) => run.job === job)?.start as number);
}

describe('the policies', () => {
  const behindTwo = traceOf(
    { duration: 50, timeLimit: 100 },
    { gpus: 2, duration: 10, timeLimit: 10, submit: 1 },
    { duration: 20, timeLimit: 30, submit: 2 },
    { duration: 20, timeLimit: null, submit: 3 },
  );

  it.each<[PolicyName, number[]]>([
    ['fifo-no-backfill', [0, 50, 60, 60]],
    ['fifo', [0, 50, 2, 60]],
    ['berth', [0, 50, 2, 60]],
    ['berth-one-user', [0, 50, 2, 60]],
  ])('%s starts whom it lets pass at %j', (policy, expected) => {
    expect(starts(policy, '2xH100-80GB', behindTwo)).toEqual(expected);
  });

  it.each<[PolicyName, number[]]>([
    ['fifo', [0, 0, 100, 110, 1]],
    ['berth', [0, 0, 100, 100, 110]],
  ])('%s keeps devices for the first alone, or for the first of each kind: %j', (policy, expected) => {
    const trace = traceOf(
      { gpus: 4, duration: 100, timeLimit: 100 },
      { gpus: 2, duration: 100, timeLimit: 100 },
      { gpus: 4, duration: 10, timeLimit: 10, submit: 1 },
      { gpus: 3, duration: 10, timeLimit: 10, submit: 1 },
      { gpus: 1, duration: 200, timeLimit: 200, submit: 1 },
    );
    expect(starts(policy, '4xH100-80GB+3xH100-80GB', trace)).toEqual(expected);
  });

  it.each(POLICY_NAMES)('%s puts priority before submission', (policy) => {
    const trace = traceOf({ duration: 5 }, { submit: 1 }, { submit: 2, priority: 1 });
    expect(starts(policy, '1xH100-80GB', trace)).toEqual([0, 15, 5]);
  });

  it.each(POLICY_NAMES)('%s fills small holes first', (policy) => {
    const trace = traceOf({ gpus: 3 }, { gpus: 1 }, { gpus: 4 });
    expect(starts(policy, '2x4xH100-80GB', trace)).toEqual([0, 0, 0]);
  });

  it.each<[PolicyName, number[]]>([
    ['fifo', [0, 10, 20, 30]],
    ['berth-one-user', [0, 10, 20, 30]],
    ['berth', [0, 20, 30, 10]],
  ])('%s looks at who has used less, or does not: %j', (policy, expected) => {
    const trace = traceOf({}, {}, {}, { user: 'bo', submit: 1 });
    expect(starts(policy, '1xH100-80GB', trace)).toEqual(expected);
  });

  it('end a job at its time limit', () => {
    const trace = traceOf({ duration: 100, timeLimit: 30 }, { submit: 1 });
    expect(starts('berth', '1xH100-80GB', trace)).toEqual([0, 30]);
  });
});
