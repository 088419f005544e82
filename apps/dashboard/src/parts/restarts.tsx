import type { Restart } from '@berth/contract';
import { clock } from '../figures.js';

/** That a process of Berth had died in the last 24 hours. */
export function Restarts({ of: restarts }: { of: readonly Restart[] }) {
  const [last] = restarts;
  if (!last) return null;
  return (
    <p class="muted">
      {restarts.length} restart{restarts.length === 1 ? '' : 's'} in 24 hours, last at {clock(last.at)}:{' '}
      {last.sentence}
    </p>
  );
}
