import type { Job, Series } from '@berth/contract';
import { isEnded } from '@berth/contract/state-groups';
import { usePoll } from './poll.js';
import { client } from './session.js';

const EVERY_MS = 5000;
const OVER_EVERY_MS = 60_000;
/** What is known of devices isn't wanted here. */
const LONGEST_STEP = '1d';
/** So many lines can still be told apart, and asked for. */
export const MOST_RANKS = 16;

/** How many processes each attempt of a job has. */
export const ranksOf = ({ launch, gpus }: Job): number => (launch === 'perDevice' ? gpus : 1);

/** The series of each of the first ranks of an attempt, in their order; null: not known yet, or not wanted. */
export function useRankSeries(job: Job, attempt: number, isWanted: boolean): Series[][] | null {
  const ranks = Math.min(ranksOf(job), MOST_RANKS);
  const since = job.attempts[attempt - 1]?.placedAt;
  const ask = async (signal: AbortSignal): Promise<Series[][] | null> => {
    if (!isWanted) return null;
    const asked = Array.from({ length: ranks }, (_, rank) =>
      client.value.jobs.metrics(job, { attempt, rank, since, step: LONGEST_STEP, signal }),
    );
    return (await Promise.all(asked)).map(({ series }) => series);
  };
  const everyMs = isEnded(job.state) ? OVER_EVERY_MS : EVERY_MS;
  return usePoll(ask, everyMs, `${job.id}/${attempt}/${isWanted}`).data;
}
