import type { Device, Job, JobMetrics } from '@berth/contract';
import { isEnded } from '@berth/contract/state-groups';
import { usePoll } from './poll.js';
import { client } from './session.js';

const EVERY_MS = 3000;
const OVER_EVERY_MS = 60_000;

/** What a job says of its training and had of its devices, in one attempt; and of an ended one, what these are like. */
export interface JobInsight {
  metrics: JobMetrics;
  devices: readonly Device[];
}

/** @param rank whose training */
export function useJobInsight(job: Job, attempt: number, rank: number): JobInsight | null {
  const isOver = isEnded(job.state);
  const since = job.attempts[attempt - 1]?.placedAt;
  const ask = async (signal: AbortSignal): Promise<JobInsight> => {
    const { jobs, devices } = client.value;
    const [metrics, list] = await Promise.all([
      jobs.metrics(job, { signal, attempt, rank, ...(since ? { since } : {}) }),
      isOver ? devices.list({ signal }) : null,
    ]);
    return { metrics, devices: list?.items ?? [] };
  };
  return usePoll(ask, isOver ? OVER_EVERY_MS : EVERY_MS, `${job.id}/${attempt}/${rank}/${isOver}`).data;
}
