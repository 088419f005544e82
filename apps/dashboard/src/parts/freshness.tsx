import { BerthProblem } from '@berth/client';
import { useNow } from '../live/now.js';
import type { Polled } from '../live/poll.js';

const OLD_MS = 10_000;

/** How old the figures are, and why there are no newer ones: what the daemon refuses, or that it is away. */
export function Freshness({ polled: { at, error } }: { polled: Polled<unknown> }) {
  const now = useNow();
  const age = at === null ? null : Math.max(0, now - at);
  const isOld = age === null ? error !== null : age > OLD_MS;
  const isRefused = error instanceof BerthProblem;
  if (error && (isOld || isRefused))
    return (
      <p class="freshness old" role="alert">
        {isRefused ? `${error.message}.` : `The daemon doesn't answer (${error.message}).`}{' '}
        {age === null ? '' : `What you see is ${Math.round(age / 1000)} s old.`}
      </p>
    );
  return <p class="freshness">{age === null ? 'asking …' : `updated ${Math.round(age / 1000)} s ago`}</p>;
}
