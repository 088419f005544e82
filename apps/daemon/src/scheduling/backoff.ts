import type { Retry } from '@berth/contract';

/**
 * Until when a job waits by itself: a clock that was set back makes no retry wait for longer than its policy says.
 * @param notBefore as it was written when it failed; that and `now` in ms since the epoch
 * @param retries how many there were, with the one that is waited for
 */
export function boundedBackoff(
  notBefore: number | null,
  { backoff, maxBackoff }: Pick<Retry, 'backoff' | 'maxBackoff'>,
  retries: number,
  now: number,
): number | null {
  if (notBefore === null || retries === 0) return notBefore;
  const longestSeconds = Math.min(backoff * 2 ** (retries - 1), maxBackoff);
  return Math.min(notBefore, now + longestSeconds * 1000);
}
