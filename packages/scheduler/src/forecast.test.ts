import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { explain } from './explain.js';
import { forecast } from './forecast.js';
import { host, type SchedulerBuilder } from './scheduler-builder.test-support.js';

const HOUR = 3_600_000;
/** Number, devices, from and until in hours, whether it is sure. */
const planned = ({ state }: SchedulerBuilder, most = 100) =>
  forecast(state, 0, most).map(({ number, devices, from, until, certain }) => [
    number,
    devices.join(),
    from / HOUR,
    until / HOUR,
    certain,
  ]);

describe('a forecast', () => {
  it('gives each waiting job its own place, one after another', () => {
    const builder = host(2)
      .running(1, [0], { limit: 3600 })
      .running(2, [1], { limit: 7200 })
      .pending(3, { gpus: 2, limit: 3600 })
      .pending(4, { gpus: 1, limit: 3600 });
    expect(planned(builder)).toEqual([
      [3, 'host-0,host-1', 2, 3, true],
      [4, 'host-0', 3, 4, true],
    ]);
    expect(planned(builder, 1)).toHaveLength(1);
  });

  it('says what is an estimate: behind a job without a time limit', () => {
    const builder = host(1, 'host', { plannedSeconds: 7200 })
      .running(1, [0])
      .pending(2, { limit: 60 })
      .pending(3);
    expect(planned(builder)).toEqual([
      [2, 'host-0', 2, 2 + 1 / 60, false],
      [3, 'host-0', 2 + 1 / 60, 4 + 1 / 60, false],
    ]);
  });

  it('has no place for those that a limit keeps waiting, or that nothing can run now', () => {
    const users = { ada: { weight: 1, gpus: null, runningJobs: 1 } };
    const limited = host(2, 'host', { users }).running(1, [0], { user: 'ada' }).pending(2, { user: 'ada' });
    expect(planned(limited)).toEqual([]);
    expect(planned(host(1).obstructed(0, 'drained', 'a fan rattles').pending(2))).toEqual([]);
  });

  it('includes those that start this very moment', () => {
    expect(planned(host(1).pending(1, { limit: 3600 }))).toEqual([[1, 'host-0', 0, 1, true]]);
  });

  it('promises what an explanation promises', () => {
    const wants = fc.record({
      gpus: fc.integer({ min: 1, max: 3 }),
      limit: fc.option(fc.integer({ min: 1, max: 500 }), { nil: undefined }),
      priority: fc.integer({ min: 0, max: 1 }),
    });
    fc.assert(
      fc.property(fc.array(wants, { minLength: 1, maxLength: 12 }), (asks) => {
        const builder = host(4).running(99, [0], { limit: 100 }).running(98, [1]);
        for (const [i, { limit, ...ask }] of asks.entries())
          builder.pending(i + 1, limit === undefined ? ask : { ...ask, limit });
        const stays = forecast(builder.state, 0, 100);
        expect(stays).toHaveLength(asks.length);
        for (const { job, from, certain } of stays) {
          const pending = builder.state.pending.get(job);
          if (!pending) throw new Error('a job is planned that does not wait');
          const { latestStart } = explain(builder.state, pending, 0);
          if (certain || latestStart !== null) expect(latestStart).toBe(from);
        }
      }),
    );
  });
});
