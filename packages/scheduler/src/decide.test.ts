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

/** Placements as `{ job number: device indexes }`. */
function placed({ placements }: Decision): Record<number, number[]> {
  return Object.fromEntries(
    placements.map(({ job, devices }) => [Number(job.slice(4)), devices.map(({ index }) => index)]),
  );
}

function reasonOf({ state }: SchedulerBuilder, number: number) {
  const job = state.pending.get(jobId(number));
  return job && decide(state).reasons.get(shapeKey(job.needs));
}

describe('order', () => {
  it('starts jobs in the order of their submission', () => {
    expect(placed(decide(host(2).pending(1).pending(2).pending(3).state))).toEqual({ 1: [0], 2: [1] });
  });

  it('starts a job of higher priority before older ones', () => {
    expect(placed(decide(host(1).pending(1).pending(2, { priority: 5 }).state))).toEqual({ 2: [0] });
  });

  it('keeps the age of a job that is put in line again', () => {
    const builder = host(1).pending(2).pending(3).pending(1);
    expect(placed(decide(builder.state))).toEqual({ 1: [0] });
  });
});

describe('masks', () => {
  it('gives a job the devices that its mask names, in its order', () => {
    expect(placed(decide(host(4).pending(1, { mask: [3, 1] }).state))).toEqual({ 1: [3, 1] });
  });

  it('tries the devices of a longer mask in its order', () => {
    const builder = host(8).running(1, [0, 1]);
    expect(placed(decide(builder.pending(2, { mask: [0, 1, 2, 3, 7, 6], gpus: 1 }).state))).toEqual({
      2: [2],
    });
  });

  it('lets a job on device 0 pass one that waits for device 1', () => {
    const builder = host(2)
      .running(1, [1])
      .pending(2, { mask: [1] })
      .pending(3, { mask: [0] });
    expect(placed(decide(builder.state))).toEqual({ 3: [0] });
  });
});

describe('gangs', () => {
  it('starts a job of several devices with all of them or not at all', () => {
    expect(placed(decide(host(4).running(1, [0]).pending(2, { gpus: 4 }).state))).toEqual({});
    expect(placed(decide(host(4).pending(2, { gpus: 4 }).state))).toEqual({ 2: [0, 1, 2, 3] });
  });

  it('keeps free devices for a gang that is first in line', () => {
    const builder = host(4).running(1, [0]).pending(2, { gpus: 4 }).pending(3);
    expect(placed(decide(builder.state))).toEqual({});
  });

  it('never spreads a job over two nodes', () => {
    const builder = host(2, 'a').withHost(2, 'b');
    expect(placed(decide(builder.pending(1, { gpus: 3 }).state))).toEqual({});
  });

  it('keeps large holes whole: a small job goes where the fewest are free', () => {
    const builder = host(4, 'a').withHost(4, 'b').running(1, [0, 1, 2], { node: 'b' }).pending(2);
    const [placement] = decide(builder.state).placements;
    expect(placement?.devices.map(({ uuid }) => uuid)).toEqual(['b-3']);
  });
});

describe('reasons', () => {
  it('names the figures and the holders', () => {
    const builder = host(2).running(41, [0]).running(42, [1]).pending(43);
    expect(reasonOf(builder, 43)).toEqual({
      code: 'resources',
      sentence:
        'needs 1 free device; 0 of the 2 that it may use are free: device 0 is held by job 41, device 1 is held by job 42',
    });
  });

  it('says that a free device is kept for the job ahead', () => {
    const builder = host(2).running(1, [0]).pending(2, { gpus: 2 }).pending(3);
    expect(reasonOf(builder, 3)).toEqual({
      code: 'priority',
      sentence:
        'needs 1 free device; 1 is free, but job 2 is ahead of it (priority 0) and waits for 2 free devices',
    });
  });

  it('says when no device could ever do', () => {
    expect(reasonOf(host(2).pending(1, { gpus: 3 }), 1)?.code).toBe('no_matching_device');
  });

  it('gives none to a job that starts', () => {
    expect(reasonOf(host(1).pending(1), 1)).toBeUndefined();
  });
});

const wants = fc.record({
  gpus: fc.integer({ min: 1, max: 4 }),
  mask: fc.option(fc.uniqueArray(fc.integer({ min: 0, max: 5 }), { minLength: 4, maxLength: 6 }), {
    nil: undefined,
  }),
  priority: fc.integer({ min: -1, max: 1 }),
});
const jobs = fc.array(wants, { maxLength: 40 });

function withJobs(
  asks: readonly { gpus: number; mask: number[] | undefined; priority: number }[],
): SchedulerBuilder {
  const builder = host(6);
  asks.forEach(({ mask, ...ask }, i) => {
    builder.pending(i + 1, mask ? { ...ask, mask } : ask);
  });
  return builder;
}

describe('for any queue', () => {
  it('never gives a device to two jobs, and each job just what it may have', () => {
    fc.assert(
      fc.property(jobs, (asks) => {
        const { state } = withJobs(asks);
        const given = new Set<string>();
        for (const { job, devices } of decide(state).placements) {
          const { needs } = state.pending.get(job) as NonNullable<ReturnType<typeof state.pending.get>>;
          expect(devices).toHaveLength(needs.gpus);
          for (const { uuid } of devices) {
            expect(given.has(uuid)).toBe(false);
            given.add(uuid);
            expect(needs.candidates?.includes(uuid) ?? true).toBe(true);
          }
        }
      }),
    );
  });

  it('starves nobody: with every job ending in time, all run, and none is overtaken for a device that it waits for', () => {
    fc.assert(
      fc.property(jobs, fc.infiniteStream(fc.nat()), (asks, numbers) => {
        const { state } = withJobs(asks);
        const running: number[] = [];
        let ended = 0;
        for (let round = 0; ended < asks.length; round += 1) {
          expect(round).toBeLessThanOrEqual(2 * asks.length);
          for (const { job, devices } of decide(state).placements) {
            const number = Number(job.slice(4));
            const pending = state.pending.get(job) as PendingJob;
            const uuids = devices.map(({ uuid }) => uuid);
            apply(state, { type: 'placed', allocation: allocationOf(state, pending, uuids, 0) });
            running.push(number);
          }
          expect(running.length).toBeGreaterThan(0);
          const [ending] = running.splice((numbers.next().value as number) % running.length, 1);
          apply(state, { type: 'freed', job: jobId(ending as number), at: 0 });
          ended += 1;
        }
      }),
    );
  });

  it('decides the same from a state that was built in another order', () => {
    fc.assert(
      fc.property(jobs, (asks) => {
        const forwards = withJobs(asks);
        const backwards = host(6);
        for (let i = asks.length - 1; i >= 0; i -= 1) {
          const { mask, ...ask } = asks[i] as (typeof asks)[0];
          backwards.pending(i + 1, mask ? { ...ask, mask } : ask);
        }
        expect(decide(backwards.state)).toEqual(decide(forwards.state));
      }),
    );
  });

  it('leaves nothing behind once all jobs are gone', () => {
    fc.assert(
      fc.property(jobs, (asks) => {
        const { state } = withJobs(asks);
        asks.forEach((_, i) => {
          apply(state, { type: 'gone', job: jobId(i + 1) });
        });
        expect([state.shapes.size, state.pending.size]).toEqual([0, 0]);
      }),
    );
  });
});

it('changes nothing when an event is applied twice', () => {
  const builder = host(2).pending(1).pending(1).running(2, [0]).running(2, [0]);
  expect(builder.state.shapes.get(shapeKey(pendingJob(1, {}).needs))?.queue).toHaveLength(1);
  expect([...builder.state.holders.keys()]).toEqual(['host-0']);
});

describe('devices that are kept from jobs', () => {
  const away = 'process 4242 (of eve, python) has 40 GiB on it';

  it('get no job, and the job that wants one is told why', () => {
    const builder = host(2)
      .obstructed(0, 'foreign_use', away)
      .pending(1, { mask: [0] })
      .pending(2);
    expect(placed(decide(builder.state))).toEqual({ 2: [1] });
    const reason = reasonOf(builder, 1);
    expect(reason?.code).toBe('resources');
    expect(reason?.sentence).toBe(
      `needs 1 free device; of the 1 that it may use, 1 is kept from jobs: device 0: ${away}`,
    );
  });

  it('that somebody has to resume are said to be draining', () => {
    const builder = host(1).obstructed(0, 'lost', 'it is lost').pending(1);
    expect(reasonOf(builder, 1)?.code).toBe('draining');
  });

  it('keep nobody else waiting: what a job could use but for them is not barred for it', () => {
    const builder = host(2).obstructed(0, 'drained', 'a fan rattles').pending(1, { gpus: 2 }).pending(2);
    expect(placed(decide(builder.state))).toEqual({ 2: [1] });
  });

  it('leave the job alone that holds one', () => {
    const builder = host(1).running(1, [0]).obstructed(0, 'drained', 'a fan rattles');
    expect(builder.state.holders.get('host-0')?.[0]?.number).toBe(1);
    expect(placed(decide(builder.pending(2).state))).toEqual({});
  });

  it('are named beside those that others hold', () => {
    const builder = host(3).running(1, [0]).obstructed(1, 'unwell', 'XID 48').pending(2, { gpus: 2 });
    expect(reasonOf(builder, 2)?.sentence).toBe(
      'needs 2 free devices; 1 of the 3 that it may use is free: device 0 is held by job 1; 1 is kept from jobs: device 1: XID 48',
    );
  });
});

describe('GPUs that are divided into MIG instances', () => {
  it('give an instance to each job of one device', () => {
    const builder = host(2).divided(0, 2).pending(1).pending(2).pending(3);
    const { placements } = decide(builder.state);
    expect(placements.map(({ devices }) => devices.map(({ uuid }) => uuid))).toEqual([
      ['host-0:0'],
      ['host-0:1'],
      ['host-1'],
    ]);
  });

  it('give nothing to jobs of several devices: a process sees one instance alone', () => {
    const builder = host(3).divided(0, 4).pending(1, { gpus: 2 });
    expect(placed(decide(builder.state))).toEqual({ 1: [1, 2] });
    const few = host(2).divided(0, 4).pending(1, { gpus: 2 });
    expect(placed(decide(few.state))).toEqual({});
    expect(reasonOf(few, 1)?.code).toBe('no_matching_device');
  });
});
