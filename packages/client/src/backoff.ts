/** How long whoever watches a job bears with a daemon that is away: jobs go on meanwhile, and it may be restarting. */
export const WATCH_RETRY_SECONDS = 60;

/** Pauses in milliseconds, doubling up to a limit, for ever. Spread, so that many clients don't come back at once. */
export function* backoff(first: number, most: number): Generator<number, never> {
  for (let pause = first; ; pause = Math.min(pause * 2, most)) yield pause * (0.75 + Math.random() / 4);
}

/** Sleeps. @throws the signal's reason as soon as it is aborted */
export function sleep(milliseconds: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const stop = (): void => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', stop);
      resolve();
    }, milliseconds);
    signal?.addEventListener('abort', stop, { once: true });
  });
}
