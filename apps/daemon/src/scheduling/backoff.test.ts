import { expect, it } from 'vitest';
import { boundedBackoff } from './backoff.js';

const HOUR_MS = 3_600_000;
const NOW = Date.parse('2026-11-22T02:00:00Z');
const POLICY = { backoff: 10, maxBackoff: 15 };

it.each([
  ['a retry waits as it was told', NOW + 7000, 1, NOW + 7000],
  [
    'the first one no longer than its first wait, where the clock was set back',
    NOW + HOUR_MS,
    1,
    NOW + 10_000,
  ],
  ['a later one no longer than the longest', NOW + HOUR_MS, 5, NOW + 15_000],
  ['a start at a given time is at that time', NOW + HOUR_MS, 0, NOW + HOUR_MS],
  ['what waits for nothing does not', null, 1, null],
])('%s', (_, notBefore, retries, expected) => {
  expect(boundedBackoff(notBefore, POLICY, retries, NOW)).toBe(expected);
});
