import { setTimeout as sleep } from 'node:timers/promises';
import { type HeldLock, waitForLock } from './lock.js';
import { type Ending, endingOf } from './spawn.js';

const SHORT_LIFE_MS = 1000;
/** Short lives in a row double the pause no further. */
const MOST_DOUBLINGS = 4;

export interface KeptProcess {
  /** The lock that the process holds for as long as it lives. */
  lockPath: string;
  /**
   * In ms: a process that lived for less than this is replaced only after a pause of that length, doubled with each such
   * life in a row up to sixteen times that. By default a second.
   */
  shortLifeMs?: number;
  /** Of the one that runs already, if it was started as a child of ours; else null. */
  pid: number | null;
  /** Starts it as a child, hands the lock over, and answers its pid. Where this throws, it is tried again after a pause. */
  start(lock: HeldLock): number;
  /** It has died, and another is about to be started. */
  onDeath(ending: Ending): void;
  /** It could not be started, or its lock could not be waited for. */
  onFailure(error: Error): void;
}

/**
 * Starts a process anew whenever it dies, be it ours or one that was found running. Whoever gets the lock starts the next
 * one, so that there are never two.
 * @param signal ends the watching; the process goes on
 */
export async function keepRunning(kept: KeptProcess, signal: AbortSignal): Promise<void> {
  const { lockPath, shortLifeMs = SHORT_LIFE_MS, start, onDeath, onFailure } = kept;
  let { pid } = kept;
  let ran = true;
  /** In a row. */
  let shortLives = 0;
  while (!signal.aborted) {
    const since = Date.now();
    let lock: HeldLock | null = null;
    try {
      lock = await waitForLock(lockPath, signal);
      const isShort = Date.now() - since < shortLifeMs;
      if (ran) {
        onDeath(await endingOf(pid));
        shortLives = isShort ? shortLives + 1 : 0;
      }
      ran = false;
      const pauseMs = shortLifeMs * 2 ** Math.min(Math.max(0, shortLives - 1), MOST_DOUBLINGS);
      if (isShort) await sleep(pauseMs, undefined, { signal });
      pid = start(lock);
      ran = true;
    } catch (error) {
      // Kept, it would have us wait for ourselves.
      lock?.release();
      if (signal.aborted) return;
      onFailure(error as Error);
      if (!lock) await sleep(shortLifeMs, undefined, { signal }).catch(() => undefined);
    }
  }
}
