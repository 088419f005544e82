import type { JobSubmission } from '@berth/contract';
import type { JobSpec } from '../ledger/record.js';
import { maySee } from './access.js';
import type { Caller } from './caller.js';
import type { ApiContext } from './context.js';
import type { FieldErrors } from './problem.js';

/**
 * The jobs that a job waits for, by their ids.
 * @param caller whose eyes they are looked for with; undefined: Berth's own
 * @param errors gets those that don't exist, and those that are named twice
 */
export async function dependenciesOf(
  submission: JobSubmission,
  context: ApiContext,
  caller: Caller | undefined,
  errors: FieldErrors,
): Promise<JobSpec['after']> {
  const { ledger } = context;
  const after: JobSpec['after'] = [];
  for (const [i, { job: reference, on }] of submission.after.entries()) {
    const id = reference.startsWith('job_') ? reference : await ledger.idOfNumber(reference);
    const record = id && (await ledger.record(id));
    const isHidden = record && caller && !maySee(context, caller, record.user as string);
    if (!record || isHidden) errors.push({ pointer: `#/after/${i}`, detail: `there is no job ${reference}` });
    else if (after.some(({ job }) => job === id))
      errors.push({ pointer: `#/after/${i}`, detail: `names job ${reference} again` });
    else after.push({ job: id, number: Number(record.number), on });
  }
  return after;
}
