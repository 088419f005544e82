import type { Series } from '@berth/contract';
import { describe, expect, it } from 'vitest';
import { placed, positive, smoothed } from './curve-data.js';

describe('smoothing', () => {
  const valuesOf = (values: (number | null)[], weight: number) => [
    ...smoothed(new Map(values.map((value, i) => [10 * i, value])), weight),
  ];

  it('does nothing without weight, and nothing to what stays the same', () => {
    const bare = [3, 1, 2];
    expect(valuesOf(bare, 0)).toEqual(bare.map((value, i) => [10 * i, value]));
    for (const [, value] of valuesOf([5, 5, 5], 0.9)) expect(value).toBeCloseTo(5);
  });

  it('weighs what came before, beginning with the first value', () => {
    // (0 · 0.5 + 3) / 1.5
    const [first, second] = valuesOf([0, 3], 0.5);
    expect(first).toEqual([0, 0]);
    expect(second?.[1]).toBeCloseTo(2);
  });

  it('goes on behind what is no number', () => {
    expect(valuesOf([4, null, 4], 0.5)).toEqual([
      [0, 4],
      [10, null],
      [20, 4],
    ]);
  });
});

describe('a series', () => {
  const begin = Date.parse('2026-11-21T02:00:00Z');
  const point = (x: number, at: string | null, last: number | null) => ({
    x,
    at,
    last,
    min: last,
    max: last,
  });
  const series = {
    points: [
      point(1, null, 0.5),
      point(2, '2026-11-21T02:00:30Z', 0),
      point(3, '2026-11-21T02:01:00Z', null),
      point(4, '2026-11-21T02:02:00Z', 0.25),
    ],
  } as Series;

  it('is placed by steps, by the time since the attempt began, or by the time of day', () => {
    expect([...placed(series, 'step', begin)]).toEqual([
      [1, 0.5],
      [2, 0],
      [3, null],
      [4, 0.25],
    ]);
    expect([...placed(series, 'elapsed', begin).keys()]).toEqual([30, 60, 120]);
    expect([...placed(series, 'clock', begin).keys()][0]).toBe(begin / 1000 + 30);
  });

  it('keeps apart what was said within one second', () => {
    const at = '2026-11-21T02:00:30Z';
    const fast = { points: [point(1, at, 3), point(2, at, 2), point(3, at, 1)] } as Series;
    expect([...placed(fast, 'elapsed', begin).values()]).toEqual([3, 2, 1]);
    expect(Math.max(...placed(fast, 'elapsed', begin).keys())).toBeCloseTo(30, 1);
  });

  it('has on a logarithmic axis what is above 0, and its gaps', () => {
    expect([...positive(placed(series, 'step', begin)).keys()]).toEqual([1, 3, 4]);
  });
});
