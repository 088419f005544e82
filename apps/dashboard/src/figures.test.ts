import { expect, it } from 'vitest';
import { clock, deadline, inLocalTime } from './figures.js';

it("times in the daemon's sentences, which are UTC, are local ones", () => {
  const [minute, exact] = ['2020-01-01T14:20Z', '2020-01-01T14:20:30.123Z'];
  expect(inLocalTime(`device 3 frees at ${minute} at the latest; not before ${exact}.`)).toBe(
    `device 3 frees at ${clock(minute)} at the latest; not before ${clock(exact)}.`,
  );
  expect(inLocalTime('job 2020-01 needs 1 free device')).toBe('job 2020-01 needs 1 free device');
});

it('a moment at the latest is not said to be earlier than it is', () => {
  expect(deadline('2020-01-01T14:19:00.001Z')).toBe(clock('2020-01-01T14:20Z'));
  expect(deadline('2020-01-01T14:20Z')).toBe(clock('2020-01-01T14:20Z'));
});
