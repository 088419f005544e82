import { ACTIVE_STATES, type Job, type JobId, type JobState } from '@berth/contract';
import { fits, type JobFilter } from '../ledger/job-pages.js';
import type { Ledger } from '../ledger/ledger.js';
import { type JobRecord, jobFromRecord } from '../ledger/record.js';
import type { Unavailable } from '../ledger/unavailable.js';
import type { ApiContext } from './context.js';
import { LedgerUnavailable } from './problem.js';

/** How jobs are looked up: in the ledger or, while that can't be asked, in what is remembered of it. */
export type JobReading = Pick<Ledger, 'idOfNumber' | 'owner' | 'record' | 'job'>;

/** Where jobs are to be looked up now. */
export function readingOf({ ledger, remembered }: Pick<ApiContext, 'ledger' | 'remembered'>): JobReading {
  return remembered() ?? ledger;
}

/** The id that a reference names; null: it is a number that no job has. An id is taken as it is. */
export async function idNamed(jobs: JobReading, reference: string): Promise<JobId | null> {
  return reference.startsWith('job_') ? (reference as JobId) : jobs.idOfNumber(reference);
}

/**
 * The jobs that ran when the ledger was last asked, as it had them. Of others nothing is known: not even that they aren't there.
 * All methods throw ApiProblem `ledger_unavailable` for those.
 */
export class RememberedJobs implements JobReading {
  private readonly records: readonly JobRecord[];
  private readonly why: Unavailable;

  /** @param why the ledger can't be asked */
  constructor(records: readonly JobRecord[], why: Unavailable) {
    this.records = records;
    this.why = why;
  }

  async idOfNumber(number: string): Promise<JobId> {
    return this.of((record) => record.number === number).id as JobId;
  }

  async owner(id: JobId): Promise<string> {
    return (await this.record(id)).user as string;
  }

  async record(id: JobId): Promise<JobRecord> {
    return this.of((record) => record.id === id);
  }

  async job(id: JobId): Promise<Job> {
    return jobOf(await this.record(id));
  }

  /** The newest of those that fit, where the filter is for jobs that hold devices: all such are known. */
  list(filter: JobFilter, limit: number): Job[] {
    const { states = [], group, schedule } = filter;
    const isKnown = states.length > 0 && states.every((state) => ACTIVE.has(state)) && !group && !schedule;
    if (!isKnown) throw new LedgerUnavailable(this.why);
    const fitting = this.records.filter((record) => fits(record, filter));
    return fitting
      .sort((one, other) => Number(other.number) - Number(one.number))
      .slice(0, limit)
      .map(jobOf);
  }

  private of(isMeant: (record: JobRecord) => boolean): JobRecord {
    const record = this.records.find(isMeant);
    if (!record) throw new LedgerUnavailable(this.why);
    return record;
  }
}

const ACTIVE: ReadonlySet<JobState> = new Set(ACTIVE_STATES);

const jobOf = (record: JobRecord): Job => jobFromRecord(record, { reason: null, position: null });
