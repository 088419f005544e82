import { isEnded, type Job, JobSchema } from '@berth/contract';
import { type JobRecord, jobFromRecord, waitingJob } from './record.js';

/** A job's hash that holds no job. */
export class DamagedJob extends Error {
  override readonly name = 'DamagedJob';
  readonly why: string;

  constructor({ id }: JobRecord, why: string) {
    super(`job ${id} can not be read (${why}); berthd --verify tells of all such`);
    this.why = why;
  }
}

/** The job that a hash holds, as the API shows it; or why it holds none. */
export function readJob(record: JobRecord, waiting: Parameters<typeof jobFromRecord>[1]): Job | DamagedJob {
  let job: Job;
  try {
    job = jobFromRecord(record, waiting);
  } catch (error) {
    return new DamagedJob(record, `part of it is missing or cut: ${(error as Error).message}`);
  }
  const [issue] = JobSchema.safeParse(job).error?.issues ?? [];
  return issue ? new DamagedJob(record, `${issue.path.join('.')}: ${issue.message}`) : job;
}

/**
 * What of a job's hash can't be read, in words; null: all that Berth reads of it can.
 * @param id under which it is kept
 */
export function damageOf(id: string, record: JobRecord): string | null {
  if (record.id !== id) return `its id is ${record.id ?? 'missing'}`;
  if (!Number.isSafeInteger(Number(record.attempt))) return `its attempt is ${record.attempt ?? 'missing'}`;
  const job = readJob(record, { reason: null, position: null });
  if (job instanceof DamagedJob) return job.why;
  try {
    waitingJob(record);
  } catch (error) {
    return (error as Error).message;
  }
  return isEnded(job.state) && job.endedAt === null ? 'it has ended, but not when' : null;
}
