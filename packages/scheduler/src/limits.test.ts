import { describe, expect, it } from 'vitest';
import { decide } from './decide.js';
import { explain } from './explain.js';
import { host, jobId, pendingJob, type SchedulerBuilder } from './scheduler-builder.test-support.js';
import { shapeKey } from './state.js';

const users = {
  '*': { weight: 1, gpus: 2, runningJobs: null },
  bob: { weight: 1, gpus: null, runningJobs: 1 },
  root: { weight: 1, gpus: null, runningJobs: null },
};
const lab = () => host(8, 'host', { users });
const started = ({ state }: SchedulerBuilder): number[] =>
  decide(state, 0).placements.map(({ job }) => Number(job.slice(4)));
const reasonOf = ({ state }: SchedulerBuilder, number: number) => {
  const job = state.pending.get(jobId(number));
  return job && decide(state, 0).reasons.get(shapeKey(job.needs));
};

describe('a user who holds as many devices as they may', () => {
  it('waits, though devices are free; others do not', () => {
    const builder = lab()
      .running(1, [0, 1], { user: 'ada' })
      .pending(2, { user: 'ada' })
      .pending(3, { user: 'cy' });
    expect(started(builder)).toEqual([3]);
    expect(reasonOf(builder, 2)).toEqual({
      code: 'quota',
      sentence: 'needs 1; ada holds 2 of at most 2 devices',
    });
  });

  it('holds as much whoever of theirs is counted first, also where that is parts of devices', () => {
    const GIB = 2 ** 30;
    const parts = [{ memoryBytes: GIB }, { memoryBytes: GIB }, { slots: 2 }];
    const held = (order: readonly number[]) => {
      const builder = host(1, 'host', { users }).like([{ memoryBytes: 80 * GIB }]);
      for (const i of order) builder.running(i + 1, [0], { user: 'ada', share: parts[i] ?? null });
      return reasonOf(builder.pending(9, { user: 'ada', gpus: 2 }), 9)?.sentence;
    };
    expect(held([0, 1, 2])).toBe('needs 2; ada holds 0.53 of at most 2 devices');
    expect(held([2, 1, 0])).toBe(held([0, 1, 2]));
  });

  it('is counted within one decision too', () => {
    const builder = lab();
    for (const number of [1, 2, 3]) builder.pending(number, { user: 'ada' });
    expect(started(builder)).toEqual([1, 2]);
  });

  it('keeps no device from others meanwhile', () => {
    const builder = host(2, 'host', { users }).running(1, [0], { user: 'ada' });
    builder.pending(2, { user: 'ada', gpus: 2 }).pending(3, { user: 'cy' });
    expect(started(builder)).toEqual([3]);
  });

  it('is told so, and when it will be over', () => {
    const builder = lab().running(1, [0, 1], { user: 'ada', limit: 60 }).pending(2, { user: 'ada' });
    expect(explain(builder.state, pendingJob(2, { user: 'ada' }), 0)).toMatchObject({
      startsNow: false,
      latestStart: null,
      unknownBecause: 'needs 1; ada holds 2 of at most 2 devices',
      sooner: ['when another job of ada ends'],
    });
  });
});

it('a user may have a limit of their own: here of jobs', () => {
  const builder = lab().pending(1, { user: 'bob', gpus: 4 }).pending(2, { user: 'bob' });
  expect(started(builder)).toEqual([1]);
  expect(reasonOf(builder, 2)?.sentence).toBe('1 job of bob runs, which is as many as may at a time');
});

it('a group runs no more jobs at a time than it was submitted for, and others pass it', () => {
  const limitedGroup = { id: 'grp_1', maxParallel: 2 };
  const builder = host(8);
  for (const number of [1, 2, 3, 4]) builder.pending(number, { limitedGroup });
  builder.pending(5);
  expect(started(builder)).toEqual([1, 2, 5]);
  expect(reasonOf(builder, 3)?.code).toBe('max_parallel');
});

it('nobody is called as what objects have by themselves', () => {
  expect(
    started(lab().pending(1, { user: 'constructor', gpus: 2 }).pending(2, { user: '__proto__' })),
  ).toEqual([1, 2]);
});
