import { constants } from 'node:os';
import { native } from './native.js';

/**
 * A lock that is ours (`flock(2)`, exclusive). It belongs to the open file, not to the process: a process that
 * inherits the descriptor holds it too, and it is free when the last one is gone.
 */
export interface HeldLock {
  readonly fd: number;
  /** Closes our descriptor. The lock is free then, unless it was inherited. */
  release(): void;
}

/** Takes a lock if nobody has it; null if somebody does. Makes the file where it is missing (0600). @throws on I/O errors */
export function tryLock(path: string): HeldLock | null {
  const fd = native.tryLock(path);
  return fd < 0 ? null : held(fd);
}

/**
 * Resolves with the lock once its holder is gone: the way to wait for the end of a process that isn't a child.
 * A wait doesn't keep Node alive.
 * @throws on I/O errors, and the signal's reason once that is aborted
 */
export function waitForLock(path: string, signal?: AbortSignal): Promise<HeldLock> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const giveUp = native.waitForLock(path, (error, fd) => {
      signal?.removeEventListener('abort', onAbort);
      if (error) reject(Object.assign(new Error(`${path}: ${error}`), { code: error }));
      else resolve(held(fd));
    });
    const onAbort = (): void => {
      giveUp();
      reject(signal?.reason);
    };
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}

/**
 * Signals the process that holds a lock. Never hits another one that got its pid: without the lock held, nothing is sent.
 * @param pid the holder, as it wrote it down itself
 * @returns whether it was sent
 */
export function signalHolder(path: string, pid: number, signal: NodeJS.Signals): boolean {
  return native.signalHolder(path, pid, constants.signals[signal]);
}

function held(fd: number): HeldLock {
  let open = true;
  return {
    fd,
    release: () => {
      if (open) native.close(fd);
      open = false;
    },
  };
}
