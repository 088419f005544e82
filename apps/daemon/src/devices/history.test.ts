import fc from 'fast-check';
import { expect, it } from 'vitest';
import { History, type Moment, RESOLUTIONS } from './history.js';

const START = 1_795_219_200_000;
const moment = (memoryUsedBytes: number, utilisation = 0.5): Moment => ({
  memoryUsedBytes,
  utilisation,
  powerWatts: Number.NaN,
  temperatureCelsius: 40,
});

function secondBySecond(seconds: number, memory: (second: number) => number = (second) => second): History {
  const history = new History();
  for (let i = 0; i < seconds; i += 1) history.add(START + i * 1000, moment(memory(i), i % 2));
  return history;
}

it('gives the last ten minutes second by second', () => {
  const history = secondBySecond(700);
  const { stepMs, steps } = history.read(START + 650_000, START + 699_000, null);
  expect(stepMs).toBe(1000);
  expect(steps.map(({ memoryUsedBytes }) => memoryUsedBytes)).toEqual(
    Array.from({ length: 50 }, (_, i) => 650 + i),
  );
});

it('gives hours in steps of ten seconds: the most of the memory, the average of the rest', () => {
  const { stepMs, steps } = secondBySecond(700).read(START, START + 699_000, null);
  expect(stepMs).toBe(10_000);
  expect(steps).toHaveLength(70);
  expect(steps[3]).toMatchObject({ at: START + 30_000, memoryUsedBytes: 39, utilisation: 0.5 });
});

it('keeps the most of the memory, though it was but for a second', () => {
  const history = secondBySecond(700, (second) => (second === 13 ? 80 : 1));
  const most = (since: number, stepMs: number | null): number[] =>
    history
      .read(since, START + 699_000, stepMs)
      .steps.map(({ memoryUsedBytes }) => memoryUsedBytes)
      .slice(0, 3);
  expect(most(START, null)).toEqual([1, 80, 1]);
  expect(most(START, 20_000)).toEqual([80, 1, 1]);
});

it('gives days in minutes, and nothing that is older than it keeps', () => {
  const history = new History();
  for (let minute = 0; minute < 3000; minute += 1) history.add(START + minute * 60_000, moment(minute));
  const { stepMs, steps } = history.read(START, START + 3000 * 60_000, null);
  expect(stepMs).toBe(60_000);
  expect(steps).toHaveLength(2880);
  expect(steps[0]?.memoryUsedBytes).toBe(120);
});

it('gives steps of the length that is asked for', () => {
  const history = secondBySecond(60);
  const { stepMs, steps } = history.read(START, START + 59_000, 15_000);
  expect(stepMs).toBe(15_000);
  expect(steps.map(({ at, memoryUsedBytes }) => [at - START, memoryUsedBytes])).toEqual([
    [0, 14],
    [15_000, 29],
    [30_000, 44],
    [45_000, 59],
  ]);
});

it('knows the peak for ever, and says nothing of figures that nobody knew', () => {
  const history = secondBySecond(700, (second) => (second === 3 ? 9999 : 1));
  expect(history.peakMemoryBytes).toBe(9999);
  expect(history.read(START, START + 699_000, null).steps[0]?.powerWatts).toBeNaN();
  expect(new History().peakMemoryBytes).toBeNaN();
  expect(new History().read(START, START + 1, null).steps).toEqual([]);
});

it('leaves gaps where nothing was seen, and drops what comes late', () => {
  const history = new History();
  history.add(START, moment(1));
  history.add(START + 5000, moment(5));
  history.add(START + 2000, moment(2));
  expect(history.read(START, START + 9000, null).steps.map(({ memoryUsedBytes }) => memoryUsedBytes)).toEqual(
    [1, 5],
  );
});

it('keeps the newest steps in order, however many there were', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 120 }), { maxLength: 2000 }), (gaps) => {
      const history = new History();
      let at = START;
      const added: number[] = [];
      for (const gap of gaps) {
        at += gap * 1000;
        history.add(at, moment(at));
        added.push(at);
      }
      const first = RESOLUTIONS[0];
      const kept = added.slice(-first.steps);
      const since = Math.max(kept[0] ?? START, at - first.steps * 1000);
      const { stepMs, steps } = history.read(since, at, 1000);
      if (stepMs !== 1000) return;
      expect(steps.map((step) => step.at)).toEqual(kept.filter((each) => each >= since));
    }),
  );
});
