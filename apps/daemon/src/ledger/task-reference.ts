import type { JobId } from '@berth/contract';

/** Names one task of one attempt of a job. */
export interface TaskReference {
  job: JobId;
  attempt: number;
  rank: number;
}

export function describeTask({ job, attempt, rank }: TaskReference): string {
  return `${job} attempt ${attempt} rank ${rank}`;
}
