import { isEnded, JobSchema } from '@berth/contract';
import { type JobRecord, jobFromRecord, waitingJob } from './record.js';

/**
 * What of a job's hash can't be read, in words; null: it is a job.
 * @param id under which it is kept
 */
export function damageOf(id: string, record: JobRecord): string | null {
  if (record.id !== id) return `its id is ${record.id ?? 'missing'}`;
  if (!Number.isSafeInteger(Number(record.attempt))) return `its attempt is ${record.attempt ?? 'missing'}`;
  try {
    waitingJob(record);
    const job = jobFromRecord(record, { reason: null, position: null });
    const [issue] = JobSchema.safeParse(job).error?.issues ?? [];
    if (issue) return `${issue.path.join('.')}: ${issue.message}`;
    return isEnded(job.state) && job.endedAt === null ? 'it has ended, but not when' : null;
  } catch (error) {
    return (error as Error).message;
  }
}
