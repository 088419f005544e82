import type { Timeline } from '@berth/contract';
import { describe, expect, it } from 'vitest';
import { hueOf, plannedWithin, rowsOf, stretchOf, ticksOf } from './timeline-layout.js';

const HOUR = 3_600_000;
const NOW = Date.parse('2026-11-21T12:00:00Z');
const at = (hours: number): string => new Date(NOW + hours * HOUR).toISOString();

type Stay = Timeline['stays'][number];
const stay = (
  number: number,
  devices: string[],
  from: number,
  until: number | null,
  more: Partial<Stay> = {},
): Stay => ({
  ...{ job: `job_${number}` as Stay['job'], number, name: `job ${number}`, user: 'ada', attempt: 1 },
  ...{ devices, from: at(from), until: until === null ? null : at(until), latestEnd: null, cause: null },
  ...more,
});
const planned = (number: number, devices: string[], from: number, until: number, certain = true) => ({
  ...{ job: `job_${number}` as Stay['job'], number, name: `job ${number}`, user: 'bob' },
  ...{ devices, from: at(from), until: at(until), certain },
});
const timeline = (more: Partial<Timeline>): Timeline => ({
  ...{ since: at(-4), until: at(0), stays: [], planned: [], waiting: 0 },
  ...more,
});

describe('the stretch that is shown', () => {
  it('ends with the plan, but shows no more of it than of the past', () => {
    const hours = (given: Partial<Timeline>) => (stretchOf(timeline(given), 4 * HOUR).to - NOW) / HOUR;
    expect(hours({})).toBeCloseTo(0.4);
    expect(hours({ planned: [planned(1, ['a'], 1, 3)] })).toBe(3);
    expect(hours({ stays: [stay(1, ['a'], -1, null, { latestEnd: at(2) })] })).toBe(2);
    expect(hours({ planned: [planned(1, ['a'], 1, 300)] })).toBe(4);
  });

  it('counts those that start in it', () => {
    const given = timeline({
      planned: [planned(1, ['a'], 1, 3), planned(2, ['a'], 3, 9), planned(3, ['a'], 9, 12)],
    });
    expect(plannedWithin(given, stretchOf(given, 4 * HOUR))).toBe(2);
    expect(plannedWithin(given, stretchOf(given, 12 * HOUR))).toBe(3);
  });

  it('of the past alone has no plan', () => {
    const given = timeline({ stays: [stay(1, ['a'], -1, null, { latestEnd: at(9) })] });
    expect(stretchOf(given, HOUR, NOW + HOUR)).toEqual({ from: NOW - HOUR, now: NOW + HOUR, to: NOW });
  });

  it('has few and round ticks', () => {
    const ticks = ticksOf({ from: NOW - 4 * HOUR - 1, now: NOW, to: NOW + HOUR }, 6);
    expect(ticks.map((tick) => (tick - NOW) / HOUR)).toEqual([-4, -3, -2, -1, 0, 1]);
    expect(ticksOf({ from: NOW, now: NOW, to: NOW + 60 * 24 * HOUR }, 6).length).toBeLessThanOrEqual(9);
  });
});

describe('the rows', () => {
  const stretch = { from: NOW - 4 * HOUR, now: NOW, to: NOW + 4 * HOUR };
  const barsOf = (given: Partial<Timeline>, devices = ['a', 'b']) =>
    Object.fromEntries(
      rowsOf(timeline(given), devices, stretch).map(({ device, bars }) => [
        device,
        bars.map(({ number, kind, lane, left, width }) => [number, kind, lane, left, width]),
      ]),
    );

  it('are one for each device, with what it held, holds and will hold', () => {
    const stays = [
      stay(1, ['a', 'b'], -4, -2),
      stay(2, ['a'], -2, -1, { cause: 'exit_code' }),
      stay(3, ['b'], -2, null, { latestEnd: at(2) }),
    ];
    expect(barsOf({ stays, planned: [planned(4, ['b'], 2, 4), planned(5, ['a'], 0, 2, false)] })).toEqual({
      a: [
        [1, 'over', 0, 0, 0.25],
        [2, 'failed', 0, 0.25, 0.125],
        [5, 'estimate', 0, 0.5, 0.25],
      ],
      b: [
        [1, 'over', 0, 0, 0.25],
        [3, 'running', 0, 0.25, 0.25],
        [3, 'latest', 0, 0.5, 0.25],
        [4, 'planned', 0, 0.75, 0.25],
      ],
    });
  });

  it('cut what reaches beyond them, and leave out what lies beyond', () => {
    expect(
      barsOf({ stays: [stay(1, ['a'], -9, -2), stay(2, ['a'], -9, -5)], planned: [planned(3, ['b'], 5, 6)] }),
    ).toEqual({ a: [[1, 'over', 0, 0, 0.25]], b: [] });
  });

  it('put what shares a device into lanes, and lanes are used again', () => {
    const stays = [stay(1, ['a'], -4, -1), stay(2, ['a'], -3, -2), stay(3, ['a'], -1.5, null)];
    const [row] = rowsOf(timeline({ stays }), ['a'], stretch);
    expect(row?.lanes).toBe(2);
    expect(row?.bars.map(({ number, lane }) => [number, lane])).toEqual([
      [1, 0],
      [2, 1],
      [3, 1],
    ]);
  });

  it('have room for a moment, and for devices that are gone', () => {
    const [a, b, gone] = rowsOf(timeline({ stays: [stay(1, ['gone'], -1, -1)] }), ['a', 'b'], stretch);
    expect([a?.bars, b?.bars]).toEqual([[], []]);
    expect([gone?.device, gone?.bars[0]?.width]).toEqual(['gone', 0.002]);
  });
});

it('a user has one colour, and others mostly have another', () => {
  expect(hueOf('ada')).toBe(hueOf('ada'));
  expect(new Set(['ada', 'bob', 'cyd', 'dan', 'eve'].map(hueOf)).size).toBe(5);
});
