import { expect, it } from 'vitest';
import { ATTEMPTS, FailedAttempts } from './failed-attempts.js';

const fail = (attempts: FailedAttempts, address: string, times = ATTEMPTS): void => {
  for (let i = 0; i < times; i += 1) attempts.failed(address, `wrong ${i}`);
};

it('an address that has sent too many wrong tokens waits for the rest of the minute', () => {
  let now = 0;
  const attempts = new FailedAttempts(() => now);
  fail(attempts, '10.0.0.1', ATTEMPTS - 1);
  expect(attempts.wait('10.0.0.1', 'x')).toBe(0);
  now = 20_000;
  fail(attempts, '10.0.0.1', 1);
  expect(attempts.wait('10.0.0.1', 'x')).toBe(40);
  expect(attempts.wait('10.0.0.2', 'x')).toBe(0);
  now = 60_000;
  expect(attempts.wait('10.0.0.1', 'x')).toBe(0);
  fail(attempts, '10.0.0.1', 1);
  expect(attempts.wait('10.0.0.1', 'x')).toBe(0);
});

it('who has shown a right token there is not locked out, until that one is wrong', () => {
  const attempts = new FailedAttempts(() => 0);
  attempts.succeeded('right');
  fail(attempts, '10.0.0.1');
  expect(attempts.wait('10.0.0.1', 'right')).toBe(0);
  attempts.failed('10.0.0.1', 'right');
  expect(attempts.wait('10.0.0.1', 'right')).toBe(60);
});

it('neighbours in a network of IPv6 count as one', () => {
  const attempts = new FailedAttempts(() => 0);
  for (let i = 0; i < ATTEMPTS; i += 1) attempts.failed(`2001:db8:1:2::${i}`, 'wrong');
  expect(attempts.wait('2001:db8:1:2::ffff', 'x')).toBe(60);
  expect(attempts.wait('2001:db8:1:3::1', 'x')).toBe(0);
});
