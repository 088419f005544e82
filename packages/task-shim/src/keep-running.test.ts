import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type Ending, type HeldLock, isLocked, keepRunning, spawnDetached, tryLock } from './index.js';

/** Long enough that a busy host does not make a short life a long one. */
const SHORT_LIFE_MS = 300;

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

function run(lock: HeldLock, ...argv: [string, ...string[]]): number {
  const inherit = [{ from: lock.fd, to: 3 }];
  const pid = spawnDetached({ file: argv[0], argv, environment: process.env, inherit, asChild: true });
  pids.push(pid);
  lock.release();
  events.push('started');
  return pid;
}

const sleeper = (lock: HeldLock): number => run(lock, '/bin/sleep', '60');

/** @param pid of the one that was started before; null: by somebody else */
function keep(start: (lock: HeldLock) => number = sleeper, pid: number | null = null): Promise<void> {
  const kept = {
    lockPath,
    shortLifeMs: SHORT_LIFE_MS,
    pid,
    start,
    onDeath: ({ exitCode, signal }: Ending) => events.push(`died: ${signal ?? exitCode ?? 'unknown'}`),
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
  expect(events).toEqual(['started', 'died: unknown', 'started', 'died: SIGKILL', 'started']);
});

it('tells by which exit code one ended', async () => {
  const pid = run(tryLock(lockPath) as HeldLock, '/bin/sh', '-c', 'exit 3');
  void keep(sleeper, pid);
  await until(() => pids.length === 2);
  expect(events).toEqual(['started', 'died: 3', 'started']);
});

it('tries again where one could not be started, and tells of one death only', async () => {
  sleeper(tryLock(lockPath) as HeldLock);
  let failures = 0;
  void keep((lock) => {
    failures += 1;
    if (failures <= 2) throw new Error('no memory');
    return sleeper(lock);
  });
  end(pids[0]);
  await until(() => pids.length === 2);
  expect(events).toEqual(['started', 'died: unknown', 'no memory', 'no memory', 'started']);
});

it('pauses where processes die at once, ever longer', async () => {
  const starts: number[] = [];
  void keep((lock) => {
    starts.push(Date.now());
    return run(lock, '/bin/true');
  });
  await until(() => starts.length === 3);
  const [first, second, third] = starts as [number, number, number];
  expect(second - first).toBeGreaterThan(0.9 * SHORT_LIFE_MS);
  expect(third - second).toBeGreaterThan(1.8 * SHORT_LIFE_MS);
});

it('leaves the process and the lock alone once it is told to end, in a pause too', async () => {
  const ended = keep();
  await until(() => events.includes('died: unknown'));
  watching.abort();
  await ended;
  expect(pids).toEqual([]);
  expect(isLocked(lockPath)).toBe(false);
});
