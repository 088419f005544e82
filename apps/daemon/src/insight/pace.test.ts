import { expect, it } from 'vitest';
import { Pace } from './pace.js';

/** Readings as [second, fraction]. */
function paced(...readings: [number, number][]): Pace {
  const pace = new Pace();
  for (const [second, fraction] of readings) pace.add(second * 1000, fraction);
  return pace;
}
const left = (pace: Pace, second: number): number | null => pace.secondsLeft(0, second * 1000);

it('is told from the start while there are few readings, and does not grow when nothing more is said', () => {
  const one = paced([100, 0.25]);
  expect(left(one, 100)).toBe(300);
  expect(left(one, 150)).toBe(250);
  // The second reading would have come by then.
  expect(left(one, 200)).toBe(200);
  expect(left(one, 10_000)).toBe(200);
});

it('is told from the readings alone once there are three: a slow start, or one from a checkpoint, is none', () => {
  expect(left(paced([600, 0.5], [610, 0.51], [620, 0.52]), 620)).toBeCloseTo(480, 6);
});

it('is that of the last two minutes', () => {
  const slow = Array.from({ length: 10 }, (_, i): [number, number] => [i * 60, i / 1000]);
  const fast = Array.from({ length: 121 }, (_, i): [number, number] => [600 + i, 0.01 + i / 1000]);
  expect(left(paced(...slow, ...fast), 720)).toBeCloseTo(870, 6);
});

it('takes readings that come at once for one', () => {
  const burst = Array.from({ length: 1000 }, (_, i): [number, number] => [10 + i / 10_000, i / 2000]);
  const [before, after] = [left(paced(...burst), 10), left(paced(...burst, [20, 0.5]), 20)];
  expect(before).toBeCloseTo(10, 0);
  expect(after).toBeCloseTo(20, 6);
});

it.each<[string, [number, number][]]>([
  ['without any reading', []],
  ['where nothing is done yet', [[10, 0]]],
  [
    'where it stands still',
    [
      [10, 0.1],
      [20, 0.1],
      [30, 0.1],
    ],
  ],
])('is not known %s', (_, readings) => {
  expect(left(paced(...readings), 40)).toBeNull();
});

it('begins anew where the training does', () => {
  expect(left(paced([10, 0.5], [20, 0.9], [30, 1], [100, 0.1]), 100)).toBe(900);
});
