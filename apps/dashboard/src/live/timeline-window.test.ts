import { describe, expect, it } from 'vitest';
import { closer, moved, parametersOf, windowOf } from './timeline-window.js';

const HOUR = 3_600_000;
const NOW = Date.parse('2026-11-21T12:00:00Z');
const of = (address: string) => windowOf(new URLSearchParams(address), NOW);

describe('the window of the timeline', () => {
  it.each([
    ['', '6h', 6, null],
    ['window=24h', '24h', 24, null],
    ['window=7200s&until=2026-11-21T09:00:00Z', '7200s', 2, NOW - 3 * HOUR],
    ['window=1s&until=tomorrow', '6h', 6, null],
    ['window=constructor', '6h', 6, null],
    ['window=1h&until=2031-01-01T00:00:00Z', '1h', 1, null],
  ])('is read from "%s"', (address, length, hours, until) => {
    expect(of(address)).toEqual({ length, lengthMs: hours * HOUR, until });
  });

  it('goes back and forth by half its length, and stays at now when it gets there', () => {
    const earlier = moved(of('window=1h'), -1, NOW);
    expect(earlier.until).toBe(NOW - HOUR / 2);
    expect(moved(earlier, -1, NOW).until).toBe(NOW - HOUR);
    expect(moved(earlier, 1, NOW).until).toBeNull();
    expect(windowOf(new URLSearchParams(parametersOf(earlier)), NOW)).toEqual(earlier);
  });

  it('is a stretch of what is seen, but of nothing that is yet to come, nor too short', () => {
    expect(closer(NOW - 2 * HOUR, NOW - HOUR, NOW)).toEqual({ length: '3600s', until: NOW - HOUR });
    expect(closer(NOW - HOUR, NOW + HOUR, NOW)).toEqual({ length: '3600s', until: null });
    expect(closer(NOW - 1500, NOW - 500, NOW)).toEqual({ length: '60s', until: NOW - 500 });
    expect(closer(NOW + 1, NOW + HOUR, NOW)).toBeNull();
  });
});
