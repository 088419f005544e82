import type { EndedJob } from '../ledger/retention.js';

/** How long what has ended is kept, in s; and how much of it. */
export interface Retention {
  jobs: number;
  mostJobs: number;
  logs: number;
  logBytes: number;
  /** How often that is looked at, in s. */
  every: number;
}

/** The files of a job that has ended. */
export interface KeptFiles extends EndedJob {
  bytes: number;
}

/**
 * Whose logs go: those that are too old, then of the rest those that ended first, until they fit.
 * @param others bytes of jobs that haven't ended; they count, and stay
 * @param now ms since the epoch
 */
export function logsThatGo(
  kept: readonly KeptFiles[],
  others: number,
  { logs, logBytes }: Retention,
  now: number,
): KeptFiles[] {
  const oldest = kept.filter(({ bytes }) => bytes > 0).sort((a, b) => a.endedAt - b.endedAt);
  let total = oldest.reduce((sum, { bytes }) => sum + bytes, others);
  return oldest.filter(({ endedAt, bytes }) => {
    if (endedAt > now - logs * 1000 && total <= logBytes) return false;
    total -= bytes;
    return true;
  });
}
