import { setTimeout as sleep } from 'node:timers/promises';
import { type HeldLock, waitForLock } from './lock.js';
import { type Ending, endingOf } from './spawn.js';

/** A process that lived for less than this is replaced only after a pause of that length, doubled with each such life in a row. */
const SHORT_LIFE_MS = 1000;
const LONGEST_PAUSE_MS = 16_000;

export interface KeptProcess {
  /** The lock that the process holds for as long as it lives. */
  lockPath: string;
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
  const { lockPath, start, onDeath, onFailure } = kept;
  let { pid } = kept;
  let ran = true;
  /** In a row. */
  let shortLives = 0;
  while (!signal.aborted) {
    const since = Date.now();
    let lock: HeldLock | null = null;
    try {
      lock = await waitForLock(lockPath, signal);
      const isShort = Date.now() - since < SHORT_LIFE_MS;
      if (ran) {
        onDeath(await endingOf(pid));
        shortLives = isShort ? shortLives + 1 : 0;
      }
      ran = false;
      const pauseMs = Math.min(SHORT_LIFE_MS * 2 ** Math.max(0, shortLives - 1), LONGEST_PAUSE_MS);
      if (isShort) await sleep(pauseMs, undefined, { signal });
      pid = start(lock);
      ran = true;
    } catch (error) {
      // Kept, it would have us wait for ourselves.
      lock?.release();
      if (signal.aborted) return;
      onFailure(error as Error);
      if (!lock) await sleep(SHORT_LIFE_MS, undefined, { signal }).catch(() => undefined);
    }
  }
}
