import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type HeldLock, isLocked, keepRunning, spawnDetached, tryLock } from './index.js';

let directory: string;
let watching: AbortController;
let lockPath: string;
/** What happened, in order. */
let events: string[];
let pids: number[];

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'berth-keep-'));
  lockPath = join(directory, 'lock');
  watching = new AbortController();
  events = [];
  pids = [];
});
afterEach(() => {
  watching.abort();
  for (const pid of pids) end(pid);
  rmSync(directory, { recursive: true });
});

function end(pid: number | undefined): void {
  try {
    if (pid) process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended.
  }
}

function sleeper(lock: HeldLock): void {
  const inherit = [{ from: lock.fd, to: 3 }];
  pids.push(spawnDetached({ file: '/bin/sleep', argv: ['sleep', '60'], environment: process.env, inherit }));
  lock.release();
  events.push('started');
}

function keep(start: (lock: HeldLock) => void = sleeper): Promise<void> {
  const kept = {
    lockPath,
    start,
    onDeath: () => events.push('died'),
    onFailure: (error: Error) => events.push(error.message),
  };
  return keepRunning(kept, watching.signal);
}

const until = (isSo: () => boolean): Promise<void> =>
  expect.poll(isSo, { timeout: 10_000, interval: 10 }).toBe(true);

it('starts another process whenever one dies, that of a forerunner too', async () => {
  sleeper(tryLock(lockPath) as HeldLock);
  void keep();
  end(pids[0]);
  await until(() => pids.length === 2);
  end(pids[1]);
  await until(() => pids.length === 3);
  expect(events).toEqual(['started', 'died', 'started', 'died', 'started']);
});

it('tries again where one could not be started, and tells of one death only', async () => {
  sleeper(tryLock(lockPath) as HeldLock);
  let failures = 0;
  void keep((lock) => {
    failures += 1;
    if (failures <= 2) throw new Error('no memory');
    sleeper(lock);
  });
  end(pids[0]);
  await until(() => pids.length === 2);
  expect(events).toEqual(['started', 'died', 'no memory', 'no memory', 'started']);
});

it('pauses where processes die at once, ever longer', async () => {
  const starts: number[] = [];
  void keep((lock) => {
    starts.push(Date.now());
    const inherit = [{ from: lock.fd, to: 3 }];
    spawnDetached({ file: '/bin/true', argv: ['true'], environment: {}, inherit });
    lock.release();
  });
  await until(() => starts.length === 3);
  const [first, second, third] = starts as [number, number, number];
  expect(second - first).toBeGreaterThan(900);
  expect(third - second).toBeGreaterThan(1.5 * (second - first));
});

it('leaves the process and the lock alone once it is told to end, in a pause too', async () => {
  const ended = keep();
  await until(() => events.includes('died'));
  watching.abort();
  await ended;
  expect(pids).toEqual([]);
  expect(isLocked(lockPath)).toBe(false);
});
