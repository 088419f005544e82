import type { Restart } from '@berth/contract';

/** That a process of Berth had died lately, newest first; null: it had not. */
export function restartWords(restarts: readonly Restart[]): string | null {
  const [last] = restarts;
  if (!last) return null;
  const times = `${restarts.length} restart${restarts.length === 1 ? '' : 's'}`;
  return `${times} in the last 24 hours, the last at ${last.at}: ${last.sentence}`;
}
