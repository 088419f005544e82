import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { type ClockWatch, watchClock } from './clock-watch.js';

const HOUR = 3_600_000;
const steps: number[] = [];
let watch: ClockWatch;
beforeEach(() => {
  steps.length = 0;
  vi.useFakeTimers({ now: Date.parse('2026-11-21T02:00:00Z') });
  watch = watchClock((step) => steps.push(step));
});
afterEach(() => {
  watch.end();
  vi.useRealTimers();
});

it('tells of a clock that was set forwards or backwards, once each time', () => {
  vi.setSystemTime(Date.now() + HOUR);
  vi.advanceTimersByTime(60_000);
  expect(steps).toEqual([HOUR]);
  vi.setSystemTime(Date.now() - 2 * HOUR);
  vi.advanceTimersByTime(60_000);
  expect(steps).toEqual([HOUR, -2 * HOUR]);
});

it('tells of one that was set for a moment, where somebody did something by it', () => {
  vi.setSystemTime(Date.now() + HOUR);
  watch.look();
  vi.setSystemTime(Date.now() - HOUR);
  vi.advanceTimersByTime(60_000);
  expect(steps).toEqual([HOUR, -HOUR]);
});

it('says nothing of time that passes, nor of a slow correction', () => {
  for (let i = 0; i < 100; i += 1) {
    vi.setSystemTime(Date.now() + 5);
    vi.advanceTimersByTime(1000);
  }
  expect(steps).toEqual([]);
});
