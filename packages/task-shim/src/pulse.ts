import { readFileSync, statSync, writeSync } from 'node:fs';
import { signalHolder } from './lock.js';

const BEAT_MS = 5000;
/** A host that is very busy delays some beats, but not that many in a row. */
const MISSED_BEATS = 6;

/** What the holder of a lock shows of itself. */
export interface Beat {
  pid: number;
  /** Tells it from those that do its work otherwise. */
  generation: string;
}

/**
 * Shows by a lock's file that its holder still gets to work: who it is stands in it, and its time of modification moves.
 * @param fd of the lock, which is ours
 */
export function beat(fd: number, generation: string, everyMs = BEAT_MS): void {
  const show = (): void => {
    try {
      writeSync(fd, `${process.pid} ${generation}\n`, 0);
    } catch {
      // The disk may be full. Whose pid isn't there isn't judged.
    }
  };
  show();
  setInterval(show, everyMs).unref();
}

/** null: it has shown nothing. */
export function lastBeat(lockPath: string): Beat | null {
  const [, pid, generation] = /^(\d+) (\w+)\n/.exec(readFileSync(lockPath, 'utf8')) ?? [];
  return generation === undefined ? null : { pid: Number(pid), generation };
}

/**
 * Kills the holder of a lock when it has shown life before, and shows it no more: it is frozen, or hangs. What counts is how
 * often we have looked, not the clock: a host that slept, or a time in which we were frozen as well, is held against nobody.
 * @param onStill told of each that is killed
 * @param signal ends the watching
 */
export function endWhenStill(
  lockPath: string,
  onStill: (pid: number) => void,
  signal: AbortSignal,
  everyMs = BEAT_MS,
): void {
  let before: number | undefined;
  let missed = 0;
  const timer = setInterval(() => {
    const last = statSync(lockPath, { throwIfNoEntry: false })?.mtimeMs;
    missed = last === before ? missed + 1 : 0;
    before = last;
    // Once: what a SIGKILL doesn't end waits in the kernel.
    if (last === undefined || missed !== MISSED_BEATS) return;
    const shown = lastBeat(lockPath);
    if (shown && signalHolder(lockPath, shown.pid, 'SIGKILL')) onStill(shown.pid);
  }, everyMs);
  timer.unref();
  signal.addEventListener('abort', () => clearInterval(timer), { once: true });
}
