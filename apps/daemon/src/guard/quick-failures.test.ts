import { expect, it } from 'vitest';
import { QuickFailures } from './quick-failures.js';

/** Each takes half a second. */
const failed = (job: string, at: number) => ({ job, startedAt: at - 0.5, at, failedQuickly: true });
const went = (job: string, at: number) => ({ ...failed(job, at), failedQuickly: false });

it('suspects a device on which three different jobs fail, one after another, while one goes on elsewhere', () => {
  const failures = new QuickFailures(3);
  expect(failures.note('a', failed('1', 0))).toBeNull();
  failures.noteStart('b', 'good', 1);
  expect(failures.note('a', failed('2', 2))).toBeNull();
  expect(failures.note('a', failed('3', 4))).toBe(3);
});

it.each<[string, (failures: QuickFailures) => void]>([
  ['where nothing is started elsewhere', () => undefined],
  ['that fares no worse than one that was at work before', (failures) => failures.noteStart('b', 'x', -1)],
  ['before what was started elsewhere has lasted as long', (failures) => failures.noteStart('b', 'x', 3.8)],
  ['where what was started elsewhere is itself', (failures) => failures.noteStart('a', 'x', 1)],
  [
    'where what was started elsewhere had to be tried again',
    (failures) => {
      failures.noteStart('b', 'x', 1);
      failures.noteRetry('x');
    },
  ],
])('suspects no device %s', (_where, meanwhile) => {
  const failures = new QuickFailures(3);
  failures.note('a', failed('1', 0));
  meanwhile(failures);
  failures.note('a', failed('2', 2));
  expect(failures.note('a', failed('3', 4))).toBeNull();
});

it('suspects no device for one job that is tried again and again', () => {
  const failures = new QuickFailures(3);
  for (let at = 0; at < 20; at += 1) {
    failures.noteStart('b', `good ${at}`, at);
    expect(failures.note('a', failed('1', at))).toBeNull();
  }
});

it('forgets a row when a job gets on, and when nothing failed for a minute', () => {
  const failures = new QuickFailures(2);
  failures.note('a', failed('1', 0));
  failures.noteStart('b', 'good', 0.5);
  failures.note('a', went('2', 2));
  expect(failures.note('a', failed('3', 3))).toBeNull();
  failures.noteStart('b', 'better', 3.5);
  expect(failures.note('a', failed('4', 64))).toBeNull();
  failures.noteStart('b', 'best', 64);
  expect(failures.note('a', failed('5', 65))).toBe(2);
});

it('blames the jobs where they fail on other devices too', () => {
  const failures = new QuickFailures(2);
  failures.note('a', failed('1', 0));
  failures.note('b', failed('2', 1));
  failures.noteStart('c', 'good', 1);
  expect(failures.note('a', failed('3', 2))).toBeNull();
  expect(failures.note('b', failed('4', 3))).toBeNull();
  // The other one got on meanwhile, so now it is this one.
  failures.note('b', went('5', 4));
  expect(failures.note('a', failed('6', 5))).toBe(3);
});

it('takes out one device for broken jobs, not the next one too', () => {
  const failures = new QuickFailures(2);
  failures.note('a', failed('1', 0));
  failures.noteStart('b', 'good', 0);
  expect(failures.note('a', failed('2', 2))).toBe(2);
  failures.note('b', failed('3', 10));
  failures.noteStart('c', 'good', 10);
  expect(failures.note('b', failed('4', 12))).toBeNull();
  // Resumed, it begins anew.
  expect(failures.note('a', failed('5', 13))).toBeNull();
});

it('suspects nothing where it is told not to', () => {
  const failures = new QuickFailures(0);
  for (let job = 0; job < 9; job += 1) {
    failures.noteStart('b', `good ${job}`, job);
    expect(failures.note('a', failed(`${job}`, job + 0.9))).toBeNull();
  }
});
