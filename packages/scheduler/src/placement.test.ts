import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decide } from './decide.js';
import { place, total } from './placement.js';
import { host, jobId, pendingJob, type SchedulerBuilder } from './scheduler-builder.test-support.js';
import { apply, shapeKey } from './state.js';

const GIB = 2 ** 30;
const indexes = ({ state }: SchedulerBuilder): number[] =>
  decide(state).placements[0]?.devices.map(({ index }) => index) ?? [];

describe('constraints', () => {
  const mixed = () =>
    host(4).like([
      { model: 'NVIDIA A100-SXM4-80GB', memoryBytes: 80 * GIB, computeCapability: '8.0' },
      { model: 'Tesla T4', memoryBytes: 15 * GIB, computeCapability: '7.5', labels: { pool: 'debug' } },
      { model: 'NVIDIA H100 80GB HBM3', memoryBytes: 80 * GIB, computeCapability: '9.0' },
      { model: 'mystery' },
    ]);

  it.each([
    [{ model: 'h100' }, [2]],
    [{ model: 'T4' }, [1]],
    [{ minMemoryBytes: 40 * GIB }, [0]],
    [{ minMemoryBytes: 81 * GIB }, []],
    [{ minComputeCapability: '8.6' }, [2]],
    [{ minComputeCapability: '9' }, [2]],
    [{ minComputeCapability: '10.0' }, []],
    [{ node: 'elsewhere' }, []],
    [{ labels: { pool: 'debug' } }, [1]],
    [{ labels: { pool: 'debug', rack: '7' } }, []],
    [{ labels: { toString: 'debug' } }, []],
    [{ node: 'host', model: 'nvidia', minComputeCapability: '8.0' }, [0]],
  ])('of %j are met by %j', (constraints, expected) => {
    expect(indexes(mixed().pending(1, { constraints }))).toEqual(expected);
  });

  it('that nothing meets are said by name', () => {
    const builder = mixed().pending(1, { constraints: { minMemoryBytes: 90 * GIB, model: 'A100' } });
    const reason = decide(builder.state).reasons.get(
      shapeKey(pendingJob(1, { constraints: { minMemoryBytes: 90 * GIB, model: 'A100' } }).needs),
    );
    expect(reason).toEqual({
      code: 'no_matching_device',
      sentence:
        "needs 1 free device on one node; of the devices that are called 'A100' and of at least 90 GiB, 0 are there",
    });
  });
});

describe('among devices that will do', () => {
  it('those with the least memory are taken', () => {
    const builder = host(3).like([
      { memoryBytes: 80 * GIB },
      { memoryBytes: 24 * GIB },
      { memoryBytes: 40 * GIB },
    ]);
    expect(indexes(builder.pending(1))).toEqual([1]);
    expect(indexes(builder.pending(1, { gpus: 2 }))).toEqual([1, 2]);
  });

  it('a mask has its own order, whatever their memory', () => {
    const builder = host(2).like([{ memoryBytes: 80 * GIB }, { memoryBytes: 24 * GIB }]);
    expect(indexes(builder.pending(1, { mask: [0, 1], gpus: 1 }))).toEqual([0]);
  });

  it('those that are closest to each other are taken', () => {
    // Pairs 0-2 and 1-3 have NVLink, all others none.
    const near: Record<number, number> = { 0: 2, 2: 0, 1: 3, 3: 1 };
    const links = [0, 1, 2, 3].map((one) => ({
      distances: Object.fromEntries(
        [0, 1, 2, 3].map((other) => [`host-${other}`, near[one] === other ? 1 : 40]),
      ),
    }));
    expect(indexes(host(4).like(links).pending(1, { gpus: 2 }))).toEqual([0, 2]);
    expect(indexes(host(4).like(links).running(9, [0]).pending(1, { gpus: 2 }))).toEqual([1, 3]);
  });

  it('those that were used the longest ago are taken, where memory and links are the same', () => {
    const builder = host(3).running(8, [0]).running(9, [2]);
    apply(builder.state, { type: 'freed', job: jobId(9), at: 1000 });
    apply(builder.state, { type: 'freed', job: jobId(8), at: 2000 });
    expect(indexes(builder.pending(1))).toEqual([1]);
    apply(builder.state, { type: 'past', usage: new Map(), lastUsed: new Map([['host-1', 3000]]) });
    expect(indexes(builder)).toEqual([2]);
    expect(indexes(builder.pending(1, { gpus: 2 }))).toEqual([0, 2]);
  });

  it('are closer to each other than the first ones, a random group and the farthest, on any board', () => {
    const board = fc.array(fc.integer({ min: 1, max: 100 }), { minLength: 28, maxLength: 28 });
    let [ours, random, worst] = [0, 0, 0];
    fc.assert(
      fc.property(
        board,
        fc.integer({ min: 2, max: 4 }),
        fc.shuffledSubarray([0, 1, 2, 3, 4, 5, 6, 7], { minLength: 8 }),
        (costs, count, order) => {
          const distance = (one: number, other: number): number => {
            const [low, high] = one < other ? [one, other] : [other, one];
            return costs[(high * (high - 1)) / 2 + low] as number;
          };
          const { state } = host(8).like(
            Array.from({ length: 8 }, (_, one) => ({
              distances: Object.fromEntries(
                Array.from({ length: 8 }, (__, other) => [
                  `host-${other}`,
                  one === other ? 0 : distance(one, other),
                ]),
              ),
            })),
          );
          const devices = [...state.devices.values()];
          const chosen = place(pendingJob(1, { gpus: count }).needs, devices) ?? [];
          expect(new Set(chosen).size).toBe(count);
          const groups = subsets(devices, count).map(total);
          ours += total(chosen);
          random += total(order.slice(0, count).map((i) => devices[i] as (typeof devices)[0]));
          worst += Math.max(...groups);
          expect(total(chosen)).toBeLessThanOrEqual(Math.max(...groups));
        },
      ),
      { seed: 1, numRuns: 200 },
    );
    expect(ours).toBeLessThan(random * 0.6);
    expect(random).toBeLessThan(worst);
  });
});

function subsets<T>(items: readonly T[], count: number): T[][] {
  if (count === 0) return [[]];
  return items.flatMap((item, i) => subsets(items.slice(i + 1), count - 1).map((rest) => [item, ...rest]));
}
