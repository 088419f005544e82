import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { beginningOf } from './time-limit.js';

const BOOT = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
const HOUR_MS = 3_600_000;

/** A task that began ten seconds ago, when the clock on the wall said what it says. */
function begunTenSecondsAgo(startedAt: number, bootId = BOOT) {
  const uptime = Number(readFileSync('/proc/uptime', 'utf8').split(' ')[0]);
  return { shimPid: 1, pid: 2, startedAt, bootId, shimStartTicks: Math.round((uptime - 10) * 100) };
}

it.each([HOUR_MS, 0, -HOUR_MS])('a clock that was set by %i ms meanwhile changes no job’s time', (step) => {
  const ran = Date.now() - beginningOf(begunTenSecondsAgo(Date.now() - 10_000 - step));
  expect(Math.abs(ran - 10_000)).toBeLessThan(200);
});

it('of a task from before a reboot only the wall clock tells', () => {
  const startedAt = Date.now() - HOUR_MS;
  expect(beginningOf(begunTenSecondsAgo(startedAt, 'another-boot'))).toBe(startedAt);
});
