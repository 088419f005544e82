import { describe, expect, it } from 'vitest';
import { generate, SHAPE } from './generate.js';
import { spread } from './report.js';
import { InputError } from './trace.js';

const WISHES = { seed: 7, jobs: 20_000, days: 28, load: 0.9, unlimited: 0.2, devices: 64, mostGpus: 8 };
const trace = generate(WISHES);

const shareOf = (test: (job: (typeof trace)[number]) => boolean): number =>
  trace.filter(test).length / trace.length;

describe('a generated trace', () => {
  it('is the same for the same seed, and another for another', () => {
    expect(generate(WISHES)).toEqual(trace);
    expect(generate({ ...WISHES, seed: 8 })).not.toEqual(trace);
  });

  it('loads the cluster as asked', () => {
    const demand = trace.reduce((sum, { gpus, duration }) => sum + gpus * duration, 0);
    expect(demand / (64 * 28 * 86_400)).toBeCloseTo(0.9, 2);
  });

  it('asks for devices in the published shares, and never for more than a node has', () => {
    for (const [gpus, share] of SHAPE.sizes)
      expect(shareOf((job) => job.gpus === gpus)).toBeCloseTo(share, 1);
    expect(Math.max(...generate({ ...WISHES, mostGpus: 4 }).map(({ gpus }) => gpus))).toBe(4);
  });

  it('has durations whose logarithms spread as published', () => {
    const logs = trace.map(({ duration }) => Math.log(duration));
    const { median } = spread(logs);
    const above = logs.filter((log) => log > median + SHAPE.sigma).length / logs.length;
    expect(above).toBeCloseTo(0.159, 1);
    expect(spread(trace.map(({ duration }) => duration)).mean).toBeGreaterThan(5 * Math.exp(median));
  });

  it('has limits that no job runs into, most of them far away, and jobs without one', () => {
    const limited = trace.filter(({ timeLimit }) => timeLimit !== null);
    expect(limited.every(({ duration, timeLimit }) => duration <= (timeLimit as number))).toBe(true);
    expect(new Set(limited.map(({ timeLimit }) => timeLimit)).size).toBeLessThanOrEqual(20);
    expect(
      spread(limited.map(({ duration, timeLimit }) => (timeLimit as number) / duration)).median,
    ).toBeGreaterThan(2);
    expect(shareOf(({ timeLimit }) => timeLimit === null)).toBeCloseTo(0.2, 1);
  });

  it('differs by nothing but limits where more or fewer have one', () => {
    const limits = (unlimited: number) => generate({ ...WISHES, unlimited });
    expect(limits(1)).toEqual(trace.map((job) => ({ ...job, timeLimit: null })));
    expect(limits(0).every(({ timeLimit }) => timeLimit !== null)).toBe(true);
  });

  it('is submitted by day more than by night, on weekdays more than at weekends, within its days', () => {
    const hour = (submit: number) => Math.floor(submit / 3600) % 24;
    const night = shareOf(({ submit }) => hour(submit) < 8);
    const day = shareOf(({ submit }) => hour(submit) >= 9 && hour(submit) < 17);
    expect(day / night).toBeGreaterThan(2);
    expect(shareOf(({ submit }) => Math.floor(submit / 86_400) % 7 >= 5)).toBeLessThan(0.22);
    expect(
      trace.every(({ submit }, i) => submit >= (trace[i - 1]?.submit ?? 0) && submit < 28 * 86_400),
    ).toBe(true);
  });

  it('has few users who submit most', () => {
    expect(shareOf(({ user }) => ['u01', 'u02', 'u03'].includes(user))).toBeGreaterThan(0.4);
  });

  it.each([
    [{ jobs: 3 }, /3 jobs can't load 64 devices/],
    [{ jobs: 200_000, load: 0.001 }, /too many for a load of 0.001/],
  ])('that can not be is refused: %j', (wishes, message) => {
    expect(() => generate({ ...WISHES, ...wishes })).toThrow(InputError);
    expect(() => generate({ ...WISHES, ...wishes })).toThrow(message);
  });
});
