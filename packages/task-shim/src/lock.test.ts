import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import {
  isLocked,
  LockError,
  SpawnError,
  signalHolder,
  spawnDetached,
  tryLock,
  waitForLock,
} from './index.js';
import { NATIVE_BUILD } from './native.js';

const root = mkdtempSync(join(tmpdir(), 'berth-lock-'));
afterAll(() => rmSync(root, { recursive: true }));

let count = 0;

function lockFile(): string {
  count += 1;
  return join(root, String(count));
}

/** A process that holds a lock until it dies. */
function holder(path: string): number {
  const lock = tryLock(path);
  if (!lock) throw new Error('the lock is held');
  const argv = ['sleep', '60'];
  const pid = spawnDetached({
    file: '/bin/sleep',
    argv,
    environment: {},
    inherit: [{ from: lock.fd, to: 3 }],
  });
  lock.release();
  return pid;
}

describe('a lock', () => {
  it('is had by one', () => {
    const path = lockFile();
    const lock = tryLock(path);
    expect(tryLock(path)).toBeNull();
    lock?.release();
    expect(tryLock(path)).not.toBeNull();
  });

  it('is held by the process that inherited it, and waited for until that dies', async () => {
    const path = lockFile();
    const pid = holder(path);
    expect(tryLock(path)).toBeNull();
    const waiting = waitForLock(path);
    process.kill(pid, 'SIGKILL');
    const lock = await waiting;
    expect(tryLock(path)).toBeNull();
    lock.release();
  });

  it('goes to one of those who wait, then to the next', async () => {
    const path = lockFile();
    const first = tryLock(path);
    const order: number[] = [];
    const waits = [1, 2, 3].map(async (n) => {
      const lock = await waitForLock(path);
      order.push(n);
      expect(tryLock(path)).toBeNull();
      lock.release();
    });
    first?.release();
    await Promise.all(waits);
    expect(order.sort()).toEqual([1, 2, 3]);
  });

  it('may be given up waiting for, and is free afterwards', async () => {
    const path = lockFile();
    const lock = tryLock(path);
    const giveUp = new AbortController();
    const waiting = waitForLock(path, giveUp.signal);
    giveUp.abort(new Error('enough'));
    await expect(waiting).rejects.toThrow('enough');
    lock?.release();
    (await waitForLock(path)).release();
  });

  it('can be looked at without being taken or made', () => {
    const path = lockFile();
    expect(isLocked(path)).toBe(false);
    expect(existsSync(path)).toBe(false);
    const lock = tryLock(path);
    expect(isLocked(path)).toBe(true);
    lock?.release();
    expect(isLocked(path)).toBe(false);
  });

  it('that somebody waits for does not disturb the end of Node', () => {
    const script = join(root, 'end.mjs');
    writeFileSync(
      script,
      `import { createRequire } from 'node:module';
      const native = createRequire(${JSON.stringify(import.meta.url)})('../${NATIVE_BUILD}/process_locks.node');
      const locks = [];
      for (let i = 0; i < 100; i++) {
        const path = process.argv[2] + i;
        locks.push(native.tryLock(path));
        native.waitForLock(path, () => undefined);
      }
      setTimeout(() => undefined, 20);
      process.on('exit', () => { for (const lock of locks) native.close(lock); });`,
    );
    // A race: each run alone would show the mistake more often than not.
    for (let run = 0; run < 8; run += 1) {
      const { status, signal } = spawnSync(process.execPath, [script, `${lockFile()}.`]);
      expect({ status, signal }).toEqual({ status: 0, signal: null });
    }
  }, 30_000);

  it('says what is wrong with its file', async () => {
    const path = join(root, 'no', 'such', 'folder');
    expect(() => tryLock(path)).toThrow(LockError);
    expect(() => tryLock(path)).toThrow(/no\/such\/folder/);
    await expect(waitForLock(path)).rejects.toMatchObject({ code: 'ENOENT' });
  });
});

describe('a signal to the holder', () => {
  it('reaches it', async () => {
    const path = lockFile();
    const pid = holder(path);
    expect(signalHolder(path, pid, 'SIGTERM')).toBe(true);
    (await waitForLock(path)).release();
  });

  it('is not sent to a process that only has the pid', () => {
    const path = lockFile();
    tryLock(path)?.release();
    expect(signalHolder(path, process.pid, 'SIGKILL')).toBe(false);
  });

  it('is not sent to a process that has the pid of a former holder, while another has the lock', () => {
    const path = lockFile();
    const pid = holder(path);
    const bystander = spawnDetached({ file: '/bin/sleep', argv: ['sleep', '60'], environment: {} });
    expect(signalHolder(path, bystander, 'SIGKILL')).toBe(false);
    process.kill(bystander, 'SIGKILL');
    process.kill(pid, 'SIGKILL');
  });
});

describe('a detached process', () => {
  it('that can not be executed is an error with its code', () => {
    expect(() => spawnDetached({ file: '/no/such', argv: ['x'], environment: {} })).toThrow(
      expect.objectContaining({ code: 'ENOENT', file: '/no/such' }) as Error,
    );
    expect(() => spawnDetached({ file: '/etc', argv: ['x'], environment: {} })).toThrow(SpawnError);
  });
});
