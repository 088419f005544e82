import type { Job } from './job.js';

const secondsFrom = (from: string, to: string | number): number =>
  Math.max(0, (new Date(to).getTime() - Date.parse(from)) / 1000);

/**
 * For how long a job has run: its attempts together, without the waits between them.
 * @param now ms since the epoch
 * @returns seconds; null: it has never run
 */
export function ranSeconds({ attempts }: Pick<Job, 'attempts'>, now: number): number | null {
  const ran = attempts.flatMap(({ startedAt, endedAt }) =>
    startedAt === null ? [] : secondsFrom(startedAt, endedAt ?? now),
  );
  return ran.length === 0 ? null : ran.reduce((sum, seconds) => sum + seconds, 0);
}

/**
 * For how long a job has waited for its first or next start.
 * @param now ms since the epoch
 * @returns seconds; null: it runs, or has ended
 */
export function waitsSeconds(
  { state, submittedAt, attempts }: Pick<Job, 'state' | 'submittedAt' | 'attempts'>,
  now: number,
): number | null {
  const isYetToStart = state === 'pending' || (state === 'starting' && !attempts.at(-1)?.startedAt);
  if (!isYetToStart) return null;
  const lastEnd = attempts.map(({ endedAt }) => endedAt).findLast((end) => end !== null);
  return secondsFrom(lastEnd ?? submittedAt, now);
}
