import { JobSubmissionSchema, makeJobId } from '@berth/contract';
import type { NewSchedule, SchedulePlan } from '../../apps/daemon/dist/ledger/schedules.js';

/** When the schedule of a story runs first: at two at night, as each night. */
export const FIRST = Date.parse('2027-06-01T02:00:00Z');
export const DAY = 86_400_000;

/** A schedule for two at night, from a given night on. */
export function newSchedule({
  nextRun = FIRST,
  idempotency = null,
  ...plan
}: Partial<SchedulePlan> & Partial<Pick<NewSchedule, 'nextRun' | 'idempotency'>> = {}): NewSchedule {
  return {
    id: makeJobId(Date.now(), (bytes) => crypto.getRandomValues(bytes)).replace('job_', 'sch_'),
    name: 'nightly',
    plan: {
      cron: '0 2 * * *',
      timeZone: 'UTC',
      job: JobSubmissionSchema.parse({ command: ['true'] }),
      overlap: 'skip',
      catchUp: false,
      ...plan,
    },
    nextRun,
    idempotency,
  };
}
