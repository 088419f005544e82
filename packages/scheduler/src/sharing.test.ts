import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decide } from './decide.js';
import { explain } from './explain.js';
import { bytesOf } from './occupancy.js';
import {
  allocationOf,
  host,
  jobId,
  pendingJob,
  type SchedulerBuilder,
} from './scheduler-builder.test-support.js';
import { apply, type PendingJob, type SchedulableDevice, type Share, shapeKey } from './state.js';

const GIB = 2 ** 30;
const gib = (count: number): Share => ({ memoryBytes: count * GIB });
const slots = (count: number): Share => ({ slots: count });
/** Devices of 80 GiB. */
const lab = (devices: number) =>
  host(devices).like(Array.from({ length: devices }, () => ({ memoryBytes: 80 * GIB })));
const placed = ({ state }: SchedulerBuilder, now = 0): Record<number, number[]> =>
  Object.fromEntries(
    decide(state, now).placements.map(({ job, devices }) => [
      Number(job.slice(4)),
      devices.map(({ index }) => index),
    ]),
  );
const reasonOf = ({ state }: SchedulerBuilder, number: number) => {
  const job = state.pending.get(jobId(number));
  return job && decide(state, 0).reasons.get(shapeKey(job.needs))?.sentence;
};

describe('jobs that share', () => {
  it('are put on one device as long as their memory is enough, so that whole devices stay whole', () => {
    const builder = lab(2)
      .pending(1, { share: gib(30) })
      .pending(2, { share: gib(30) })
      .pending(3, { share: gib(30) });
    expect(placed(builder)).toEqual({ 1: [0], 2: [0], 3: [1] });
  });

  it('go where the least is left', () => {
    const builder = lab(2)
      .running(1, [0], { share: gib(20) })
      .running(2, [1], { share: gib(50) });
    expect(placed(builder.pending(3, { share: gib(30) }))).toEqual({ 3: [1] });
    expect(placed(builder.pending(4, { share: gib(40) }))).toEqual({ 3: [1], 4: [0] });
  });

  it('take equal parts of a device where they ask for slots, also beside those that ask for memory', () => {
    const builder = lab(1)
      .pending(1, { share: slots(4) })
      .pending(2, { share: gib(40) })
      .pending(3, { share: slots(4) });
    expect(placed(builder.pending(4, { share: slots(8) }))).toEqual({ 1: [0], 2: [0], 3: [0] });
  });

  it('share by slots what nobody knows the memory of, but not by memory', () => {
    expect(
      placed(
        host(1)
          .pending(1, { share: slots(2) })
          .pending(2, { share: slots(2) }),
      ),
    ).toEqual({ 1: [0], 2: [0] });
    expect(reasonOf(host(1).pending(1, { share: gib(1) }), 1)).toBe(
      'needs 1 GiB of a device on one node; of the devices that are large enough, 0 are there',
    );
  });

  it('never mix with those that have a device to themselves', () => {
    const shared = lab(1)
      .running(1, [0], { share: gib(1) })
      .pending(2);
    expect(placed(shared)).toEqual({});
    expect(reasonOf(shared, 2)).toBe(
      'needs 1 free device; 0 of the 1 that it may use are free: device 0 is shared by job 1',
    );
    expect(
      placed(
        lab(1)
          .running(1, [0])
          .pending(2, { share: gib(1) }),
      ),
    ).toEqual({});
    expect(
      placed(
        lab(1)
          .pending(1)
          .pending(2, { share: gib(1) }),
      ),
    ).toEqual({ 1: [0] });
    expect(
      placed(
        lab(1)
          .pending(1, { share: gib(1) })
          .pending(2),
      ),
    ).toEqual({ 1: [0] });
  });

  it('do not starve one that needs the whole device', () => {
    const builder = lab(1)
      .running(1, [0], { share: gib(10), limit: 600 })
      .pending(2);
    builder.pending(3, { share: gib(10) }).pending(4, { share: gib(10), limit: 600 });
    expect(placed(builder)).toEqual({ 4: [0] });
  });

  it('may come beside one that others are waited for, where both fit', () => {
    const builder = lab(1)
      .running(1, [0], { share: gib(20), limit: 600 })
      .pending(2, { share: gib(70) });
    expect(placed(builder.pending(3, { share: gib(10) }))).toEqual({ 3: [0] });
    expect(placed(builder.pending(4, { share: gib(20) }))).toEqual({ 3: [0] });
  });

  it('are told when there is room for them', () => {
    const builder = lab(1)
      .running(1, [0], { share: gib(50), limit: 600 })
      .running(2, [0], { share: gib(20), limit: 60 });
    expect(explain(builder.state, pendingJob(3, { share: gib(20) }), 0)).toMatchObject({
      latestStart: 60_000,
    });
    expect(explain(builder.state, pendingJob(3, { share: gib(40) }), 0)).toMatchObject({
      latestStart: 600_000,
    });
    const [verdict] = explain(builder.state, pendingJob(3, { share: gib(20) }), 0).verdicts;
    expect(verdict?.why).toBe('it is shared by jobs 1, 2, which leaves too little of it');
    const [beside] = explain(builder.state, pendingJob(3, { share: gib(10) }), 0).verdicts;
    expect(beside?.why).toBe('it has room beside jobs 1, 2');
  });

  it('count as the part of a device that they have', () => {
    const { state } = lab(1)
      .pending(1, { share: gib(20) })
      .pending(2, { share: slots(2) });
    expect(decide(state, 0).placements.map(({ gpus }) => gpus)).toEqual([0.25, 0.5]);
  });
});

it('whatever is asked for, no device has an exclusive holder beside another, nor more memory given out than it has', () => {
  const share = fc.oneof(
    fc.constant(null),
    fc.integer({ min: 1, max: 80 }).map(gib),
    fc.integer({ min: 1, max: 8 }).map(slots),
  );
  const asks = fc.array(
    fc.record({ share, ends: fc.nat({ max: 3 }), limit: fc.integer({ min: 1, max: 900 }) }),
    { maxLength: 40 },
  );
  fc.assert(
    fc.property(asks, (jobs) => {
      const { state } = lab(3);
      jobs.forEach(({ share: part, limit }, i) => {
        apply(state, { type: 'pending', job: pendingJob(i + 1, { share: part, limit }) });
      });
      const running: { job: string; ends: number }[] = [];
      for (let now = 0; state.pending.size > 0 || running.length > 0; now += 1) {
        expect(now).toBeLessThan(5 * jobs.length + 5);
        for (const { job, devices } of decide(state, now * 1000).placements) {
          const pending = state.pending.get(job) as PendingJob;
          const uuids = devices.map(({ uuid }) => uuid);
          apply(state, { type: 'placed', allocation: allocationOf(state, pending, uuids, now) });
          running.push({ job, ends: now + (jobs[pending.number - 1]?.ends ?? 0) });
        }
        for (const [uuid, holders] of state.holders) {
          const device = state.devices.get(uuid) as SchedulableDevice;
          const bytes = holders.map(({ needs }) => (needs.share ? bytesOf(needs.share, device) : 80 * GIB));
          expect(bytes.reduce((sum, each) => sum + each, 0)).toBeLessThanOrEqual(80 * GIB);
        }
        for (const { job } of running.filter(({ ends }) => ends <= now))
          apply(state, { type: 'freed', job, at: now * 1000 });
        running.splice(0, running.length, ...running.filter(({ ends }) => ends > now));
      }
      expect(state.holders.size).toBe(0);
    }),
  );
});
