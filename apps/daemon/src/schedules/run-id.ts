import { createHash } from 'node:crypto';
import { type JobId, makeJobId, type ScheduleId } from '@berth/contract';

/**
 * The id of the job that comes of one time of a schedule. It follows from both, so that a time which is dealt with twice is one job.
 * @param at ms since the epoch
 */
export function runId(schedule: ScheduleId, at: number): JobId {
  const digest = createHash('sha256').update(`${schedule}/${at}`).digest();
  return makeJobId(at, (bytes) => {
    bytes.set(digest.subarray(0, bytes.length));
    return bytes;
  });
}
