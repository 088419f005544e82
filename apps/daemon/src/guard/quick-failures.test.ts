import { expect, it } from 'vitest';
import { QuickFailures } from './quick-failures.js';

const failed = (job: string, at: number) => ({ job, at, failedQuickly: true });
const went = (job: string, at: number) => ({ job, at, failedQuickly: false });

it('suspects a device on which three different jobs fail at once, one after another', () => {
  const failures = new QuickFailures(3);
  expect(failures.note('a', failed('1', 0))).toBeNull();
  expect(failures.note('a', failed('2', 2))).toBeNull();
  expect(failures.note('a', failed('3', 4))).toBe(3);
});

it('suspects no device for one job that is tried again and again', () => {
  const failures = new QuickFailures(3);
  for (let at = 0; at < 20; at += 1) expect(failures.note('a', failed('1', at))).toBeNull();
});

it('forgets a row when a job gets on, and when nothing failed for a minute', () => {
  const failures = new QuickFailures(2);
  failures.note('a', failed('1', 0));
  failures.note('a', went('2', 1));
  expect(failures.note('a', failed('3', 2))).toBeNull();
  expect(failures.note('a', failed('4', 63))).toBeNull();
  expect(failures.note('a', failed('5', 64))).toBe(2);
});

it('blames the jobs where they fail on other devices too', () => {
  const failures = new QuickFailures(2);
  failures.note('a', failed('1', 0));
  failures.note('b', failed('2', 1));
  expect(failures.note('a', failed('3', 2))).toBeNull();
  expect(failures.note('b', failed('4', 3))).toBeNull();
  // The other one got on meanwhile, so now it is this one.
  failures.note('b', went('5', 4));
  expect(failures.note('a', failed('6', 5))).toBe(3);
});

it('suspects nothing where it is told not to', () => {
  const failures = new QuickFailures(0);
  for (let job = 0; job < 9; job += 1) expect(failures.note('a', failed(`${job}`, job))).toBeNull();
});
