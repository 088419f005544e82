import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { beat, endWhenStill, type HeldLock, lastBeat, spawnDetached, tryLock, waitForLock } from './index.js';

const EVERY_MS = 50;
let directory: string;
let lockPath: string;
let watching: AbortController;
let killed: number[];

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'berth-pulse-'));
  lockPath = join(directory, 'lock');
  watching = new AbortController();
  killed = [];
});
afterEach(() => {
  watching.abort();
  rmSync(directory, { recursive: true });
});

/** A process that holds the lock. */
function startHolder(): number {
  const lock = tryLock(lockPath) as HeldLock;
  const inherit = [{ from: lock.fd, to: 3 }];
  const argv = ['/bin/sleep', '60'];
  const pid = spawnDetached({ file: '/bin/sleep', argv, environment: process.env, inherit });
  lock.release();
  return pid;
}

const watch = (): void => endWhenStill(lockPath, (pid) => killed.push(pid), watching.signal, EVERY_MS);

it('a holder that beats is let be, and is killed once it beats no more', async () => {
  const pid = startHolder();
  // By our own clock: it is late when that of the watching is.
  const heart = setInterval(() => writeFileSync(lockPath, `${pid} a1\n`), EVERY_MS / 2);
  watch();
  await sleep(20 * EVERY_MS);
  expect(killed).toEqual([]);
  clearInterval(heart);
  (await waitForLock(lockPath)).release();
  expect(killed).toEqual([pid]);
});

it('nobody is killed for a pid that one before has left', async () => {
  const pid = startHolder();
  writeFileSync(lockPath, `${pid} a1\n`);
  process.kill(pid, 'SIGKILL');
  const ours = await waitForLock(lockPath);
  watch();
  await sleep(20 * EVERY_MS);
  expect(killed).toEqual([]);
  ours.release();
});

it('a beat is who it is, in the file, and its time', async () => {
  const lock = tryLock(lockPath) as HeldLock;
  expect(lastBeat(lockPath)).toBeNull();
  beat(lock.fd, 'a1', EVERY_MS);
  expect(lastBeat(lockPath)).toEqual({ pid: process.pid, generation: 'a1' });
  const first = statSync(lockPath).mtimeMs;
  await expect.poll(() => statSync(lockPath).mtimeMs).toBeGreaterThan(first);
});
