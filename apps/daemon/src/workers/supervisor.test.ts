import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Ending, endingOf, type HeldLock, spawnDetached, tryLock, waitForLock } from '@berth/task-shim';
import type { Redis } from 'ioredis';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type DataDirectory, openDataDirectory } from '../data-directory.js';
import { generationOf } from './generation.js';
import { WorkerSupervisor } from './supervisor.js';

const DEVICE = 'GPU-1';
let folder: string;
let directories: DataDirectory;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'berth-supervisor-'));
  directories = openDataDirectory(folder);
});
afterEach(() => rmSync(folder, { recursive: true }));

/** A worker that an earlier daemon has started, and that has shown life once. */
function stillWorker(generation: string): number {
  const lockPath = directories.workerLock(DEVICE);
  const lock = tryLock(lockPath) as HeldLock;
  const inherit = [{ from: lock.fd, to: 3 }];
  const argv = ['/bin/sleep', '60'];
  const pid = spawnDetached({ file: '/bin/sleep', argv, environment: {}, inherit, asChild: true });
  lock.release();
  writeFileSync(lockPath, `${pid} ${generation}\n`);
  return pid;
}

it('a worker that shows no sign of life is killed, and said to have been still', async () => {
  stillWorker(generationOf({}));
  const death = await new Promise<[string, Ending, boolean]>((resolve) => {
    const supervisor = new WorkerSupervisor({
      directories,
      workerOptions: {},
      onDeath: (...told) => {
        // Before the next one is started: it is no matter of this test.
        supervisor.close();
        resolve(told);
      },
      log: pino({ level: 'silent' }),
      beatMs: 10,
    });
    supervisor.start([DEVICE], {} as Redis);
  });
  expect(death).toEqual([DEVICE, { exitCode: null, signal: null }, true]);
});

it('a worker of another build makes room, and one of this is let be', async () => {
  const found = (generation: string): number => {
    const pid = stillWorker(generation);
    const onDeath = () => undefined;
    const log = pino({ level: 'silent' });
    const supervisor = new WorkerSupervisor({ directories, workerOptions: {}, onDeath, log });
    supervisor.start([DEVICE], {} as Redis);
    supervisor.close();
    return pid;
  };
  const ended = async (pid: number) => {
    (await waitForLock(directories.workerLock(DEVICE))).release();
    return endingOf(pid);
  };
  expect(await ended(found('another'))).toEqual({ exitCode: null, signal: 'SIGTERM' });
  const pid = found(generationOf({}));
  process.kill(pid, 'SIGUSR1');
  expect(await ended(pid)).toEqual({ exitCode: null, signal: 'SIGUSR1' });
});

it.each(['start', 'retire'] as const)(
  'a worker of a device that is not managed any more is asked to leave until it does: %s',
  async (verb) => {
    const pid = stillWorker(generationOf({}));
    let asked = 0;
    // The first time it has a task.
    const publish = async (): Promise<number> => {
      asked += 1;
      if (asked === 2) process.kill(pid, 'SIGKILL');
      return 1;
    };
    const redis = { publish } as unknown as Redis;
    const onDeath = () => undefined;
    const log = pino({ level: 'silent' });
    const supervisor = new WorkerSupervisor({ directories, workerOptions: {}, onDeath, log });
    if (verb === 'start') supervisor.start([], redis);
    else expect(await supervisor.retire(redis)).toEqual([]);
    (await waitForLock(directories.workerLock(DEVICE))).release();
    supervisor.close();
    expect(asked).toBe(2);
  },
);

it('a worker whose device turns up again is asked no more', async () => {
  const pid = stillWorker(generationOf({}));
  let asked = 0;
  const publish = async (): Promise<number> => {
    asked += 1;
    return 1;
  };
  const onDeath = () => undefined;
  const log = pino({ level: 'silent' });
  const supervisor = new WorkerSupervisor({ directories, workerOptions: {}, onDeath, log });
  supervisor.start([], { publish } as unknown as Redis);
  supervisor.add([DEVICE]);
  // Longer than from one asking to the next.
  await new Promise((resolve) => setTimeout(resolve, 1500));
  supervisor.close();
  process.kill(pid, 'SIGKILL');
  expect(asked).toBe(1);
});

it('the address of Redis, which may hold a password, is no argument of a worker', async () => {
  let pid = 0;
  let told: string[] = [];
  const read = (name: string): string => readFileSync(`/proc/${pid}/${name}`, 'utf8');
  const stream = {
    write: (line: string): void => {
      const said = JSON.parse(line) as { pid?: number };
      if (said.pid === undefined) return;
      pid = said.pid;
      // The kernel shows them a moment after the process is there.
      const until = Date.now() + 5000;
      do told = [read('cmdline'), read('environ')];
      while (told.includes('') && Date.now() < until);
    },
  };
  // It ends at once, for it is told too little.
  await new Promise<void>((resolve) => {
    const supervisor = new WorkerSupervisor({
      directories,
      workerOptions: { redis: { url: 'redis://:sesame@localhost' } },
      onDeath: () => {
        supervisor.close();
        resolve();
      },
      log: pino({ base: null }, stream),
    });
    supervisor.start([DEVICE], {} as Redis);
  });
  const [argv, environment] = told;
  expect(argv).toContain(DEVICE);
  expect(argv).not.toContain('sesame');
  expect(environment).toContain('sesame');
});
