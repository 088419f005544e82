import { BerthProblem } from '@berth/client';
import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { signOut } from './session.js';

/** What was last answered, how old it is, and what went wrong since. */
export interface Polled<T> {
  data: T | null;
  /** ms since the epoch; null: never. */
  at: number | null;
  error: Error | null;
}

/** Between tries, for what is asked for more often than that. */
const LONGEST_PAUSE_MS = 10_000;
/** An answer that took long was work for the daemon: by so much longer it is left alone, such as by a search through many jobs. */
const REST = 5;

/**
 * Asks again and again while the page is seen; more rarely while nobody answers. What was answered last stays.
 * @param key asks anew at once when it changes
 */
export function usePoll<T>(
  ask: (signal: AbortSignal) => Promise<T>,
  everyMs: number,
  key: unknown = '',
): Polled<T> {
  const polled = useSignal<Polled<T>>({ data: null, at: null, error: null });
  useEffect(() => {
    const ending = new AbortController();
    let timer: ReturnType<typeof setTimeout> | null = null;
    let failures = 0;
    const round = async (): Promise<void> => {
      timer = null;
      const begun = Date.now();
      try {
        const data = await ask(ending.signal);
        failures = 0;
        polled.value = { data, at: Date.now(), error: null };
      } catch (error) {
        if (ending.signal.aborted) return;
        failures += 1;
        if (error instanceof BerthProblem && error.code === 'unauthorized') signOut();
        polled.value = { ...polled.value, error: error as Error };
      }
      if (ending.signal.aborted || document.hidden) return;
      const pause = Math.max(everyMs * 2 ** failures, REST * (Date.now() - begun));
      timer = setTimeout(round, Math.max(everyMs, Math.min(pause, LONGEST_PAUSE_MS)));
    };
    const seen = (): void => {
      if (!document.hidden && timer === null) void round();
    };
    polled.value = { ...polled.value, error: null };
    document.addEventListener('visibilitychange', seen);
    void round();
    return () => {
      ending.abort();
      if (timer) clearTimeout(timer);
      document.removeEventListener('visibilitychange', seen);
    };
  }, [key, everyMs]);
  return polled.value;
}
