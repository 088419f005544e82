import { fileURLToPath } from 'node:url';
import type { JobSubmissionInput } from '@berth/contract';

const JOB = fileURLToPath(new URL('job.sh', import.meta.url));

/** What became of something that was asked of a job; one without an answer may have been done or not, but not half. */
export type Wish = 'none' | 'refused' | 'unanswered' | 'granted';

/** What a job shall do, and what of it is known. */
export interface PlannedJob {
  submission: JobSubmissionInput;
  /** The exit code of each attempt; the last one is that of all further ones. */
  exits: number[];
  retries: number;
  /** Once the daemon has acknowledged it. */
  id: string | null;
  cancel: Wish;
  /** At most one, and of none that has retries. */
  requeue: Wish;
}

/** What job.sh takes. */
interface Deeds {
  /** A folder, for what it writes down. */
  records: string;
  /** One of its behaviours. */
  does?: string;
  seconds: number;
  exits?: number[];
  retries?: number;
}

/** A job that does what it is told, and writes down what happens to it. */
export function planJob(
  { records, does = 'plain', seconds, exits = [0], retries = 0 }: Deeds,
  submission: JobSubmissionInput = {},
): PlannedJob {
  const retry = { limit: retries, backoff: 0.05, on: ['exit_code', 'worker_lost', 'signal'] as const };
  return {
    submission: {
      command: [JOB],
      workingDirectory: '/',
      gracePeriod: 0.5,
      ...(retries > 0 ? { retry: { ...retry, on: [...retry.on] } } : {}),
      ...submission,
      environment: {
        FAULTS_RECORDS: records,
        FAULTS_DOES: does,
        FAULTS_SECONDS: seconds.toFixed(2),
        FAULTS_EXITS: exits.join(' '),
        ...(submission.sharing ? { FAULTS_SHARES: '-s' } : {}),
      },
    },
    exits,
    retries,
    id: null,
    cancel: 'none',
    requeue: 'none',
  };
}
