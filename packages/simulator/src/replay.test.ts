import { byNode } from '@berth/scheduler';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseCluster } from './cluster.js';
import { FifoPolicy } from './fifo-policy.js';
import { makePolicy, POLICY_NAMES, type Policy } from './policies.js';
import { type Run, replay } from './replay.js';
import { inOrder, runSeconds, type Trace, type TraceJob } from './trace.js';

const CLUSTERS = ['1xH100-80GB', '4xH100-80GB', '2x4xH100-80GB', '3x2xH100-80GB+1x4xA100-40GB'];
const MOST_GPUS = [1, 4, 4, 4];

const jobOf = (mostGpus: number) =>
  fc.record({
    submit: fc.nat(200),
    user: fc.constantFrom('ada', 'bo', 'cy'),
    gpus: fc.integer({ min: 1, max: mostGpus }),
    duration: fc.integer({ min: 1, max: 100 }),
    // Limits that jobs run into, too.
    timeLimit: fc.option(fc.integer({ min: 1, max: 300 })),
    priority: fc.integer({ min: 0, max: 2 }),
  });

/** A small trace, and the cluster that it is for. */
const world = fc.nat(CLUSTERS.length - 1).chain((i) =>
  fc.record({
    cluster: fc.constant(CLUSTERS[i] as string),
    trace: fc.array(jobOf(MOST_GPUS[i] as number), { minLength: 1, maxLength: 40 }).map(inOrder),
  }),
);

describe.each(POLICY_NAMES)('replayed by %s, any trace', (name) => {
  const runsOf = (cluster: string, trace: Trace) => replay(trace, makePolicy(name, parseCluster(cluster)));

  it('runs each job once, whole, on one node, for as long as it takes, and never before it was submitted', () => {
    fc.assert(
      fc.property(world, ({ cluster, trace }) => {
        const nodes = byNode(parseCluster(cluster)).map((node) => node.map(({ uuid }) => uuid));
        const runs = runsOf(cluster, trace);
        expect(runs.map(({ job }) => job.number).sort((a, b) => a - b)).toEqual(
          trace.map(({ number }) => number),
        );
        for (const { job, start, end, devices } of runs) {
          expect(start).toBeGreaterThanOrEqual(job.submit);
          expect(end - start).toBe(runSeconds(job));
          expect(new Set(devices).size).toBe(job.gpus);
          expect(nodes.some((node) => devices.every((uuid) => node.includes(uuid)))).toBe(true);
        }
      }),
    );
  });

  it('never gives a device to two', () => {
    fc.assert(
      fc.property(world, ({ cluster, trace }) => {
        const freeFrom = new Map<string, number>();
        for (const { start, end, devices } of byStart(runsOf(cluster, trace))) {
          for (const uuid of devices) {
            expect(freeFrom.get(uuid) ?? 0).toBeLessThanOrEqual(start);
            freeFrom.set(uuid, end);
          }
        }
      }),
    );
  });

  it('moves forward in time, and goes the same way each time', () => {
    fc.assert(
      fc.property(world, ({ cluster, trace }) => {
        const runs = runsOf(cluster, trace);
        expect(runs).toEqual(byStart(runs));
        expect(runsOf(cluster, trace)).toEqual(runs);
      }),
    );
  });
});

const LIMIT = 30;
/** A job for a whole node, in the middle of so many for one device that these could keep the node busy for ever. */
const stream = fc
  .record({
    gaps: fc.array(fc.integer({ min: 0, max: 4 }), { minLength: 150, maxLength: 200 }),
    durations: fc.array(fc.integer({ min: 10, max: LIMIT }), { minLength: 200, maxLength: 200 }),
    large: fc.integer({ min: 20, max: 60 }),
    largeLimit: fc.option(fc.integer({ min: 10, max: 100 })),
  })
  .map(({ gaps, durations, large, largeLimit }) => {
    let submit = 0;
    const small = gaps.map((gap, i) => {
      submit += gap;
      return {
        submit,
        user: 'ada',
        gpus: 1,
        duration: durations[i] as number,
        timeLimit: LIMIT,
        priority: 0,
      };
    });
    const job = { submit: large, user: 'bo', gpus: 4, duration: 10, timeLimit: largeLimit, priority: 0 };
    return inOrder([...small, job]);
  });

/** Whether the large job starts as soon as all that was there before it may have ended, one after another. */
function startsInTime(trace: Trace, policy: Policy): boolean {
  const runs = replay(trace, policy);
  const large = runs.find(({ job }) => job.gpus === 4) as Run;
  const before = runs.filter(({ job, end }) => job.number < large.job.number && end > large.job.submit);
  return large.start <= large.job.submit + LIMIT * (1 + Math.ceil(before.length / 4));
}

describe('a stream of small jobs', () => {
  const devices = parseCluster('4xH100-80GB');

  it.each(POLICY_NAMES)('does not starve a large one under %s', (name) => {
    fc.assert(fc.property(stream, (trace) => startsInTime(trace, makePolicy(name, devices))));
  });

  it('would, if all could pass', () => {
    const { errorInstance } = fc.check(fc.property(stream, (trace) => startsInTime(trace, new Greedy())));
    expect(errorInstance).toMatchObject({ message: 'Property failed by returning false' });
  });

  /** Starts whoever is smallest first. */
  class Greedy extends FifoPolicy {
    constructor() {
      super(devices, { backfill: true });
    }
    override submitted(job: TraceJob): void {
      super.submitted({ ...job, priority: 4 - job.gpus });
    }
  }
});

describe('a policy that leaves jobs waiting', () => {
  it('is an error, not an endless replay', () => {
    const trace = inOrder([{ submit: 0, user: 'ada', gpus: 1, duration: 1, timeLimit: null, priority: 0 }]);
    const lazy = { submitted: () => undefined, ended: () => undefined, decide: () => [] };
    expect(() => replay(trace, lazy)).toThrow('1 of 1 jobs were never started');
  });
});

const byStart = (runs: readonly Run[]): Run[] => [...runs].sort((one, other) => one.start - other.start);
