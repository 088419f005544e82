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

/** A lock's file could not be opened or locked. */
export class LockError extends Error {
  override readonly name = 'LockError';
  /** The errno's name. */
  readonly code: string;
  readonly path: string;

  constructor(path: string, code: string, options?: ErrorOptions) {
    super(`lock ${path}: ${code}`, options);
    this.code = code;
    this.path = path;
  }
}

/** Takes a lock if nobody has it; null if somebody does. Makes the file where it is missing (0600). @throws LockError */
export function tryLock(path: string): HeldLock | null {
  let fd: number;
  try {
    fd = native.tryLock(path);
  } catch (error) {
    throw new LockError(path, (error as NodeJS.ErrnoException).code ?? 'EIO', { cause: error });
  }
  return fd < 0 ? null : held(fd);
}

/** Whether somebody holds a lock, for a display or a check: who wants it himself calls `tryLock`. False without the file. */
export function isLocked(path: string): boolean {
  return native.isLocked(path);
}

/**
 * Resolves with the lock once its holder is gone: the way to wait for the end of a process that isn't a child.
 * A wait doesn't keep Node alive.
 * @throws LockError, and the signal's reason once that is aborted
 */
export function waitForLock(path: string, signal?: AbortSignal): Promise<HeldLock> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const giveUp = native.waitForLock(path, (error, fd) => {
      signal?.removeEventListener('abort', onAbort);
      if (error) reject(new LockError(path, error));
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
 * Signals the process that holds a lock. Never hits another one that got its pid: it must have the file open.
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
