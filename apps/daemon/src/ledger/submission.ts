import type { Job, JobId } from '@berth/contract';
import { type Needs, shapeKey } from '@berth/scheduler';
import { type Idempotency, keyArguments } from './idempotency.js';
import { type JobSpec, jobFromRecord, recordFromFields } from './record.js';

/** How many submissions are sent before the first is answered. */
export const JOBS_ON_THE_WAY = 500;

export interface NewJob {
  id: JobId;
  name: string;
  user: string;
  spec: JobSpec;
  needs: Needs;
  idempotency: Idempotency | null;
  held: boolean;
  /** ms since the epoch. */
  notBefore: number | null;
}

/** A job as the scripts take it (common.lua, take_job). */
export function submissionArguments({ id, name, user, spec, needs, ...job }: NewJob): (string | number)[] {
  return [
    id,
    name,
    user,
    needs.priority,
    JSON.stringify(spec),
    JSON.stringify(needs),
    shapeKey(needs),
    ...keyArguments(job.idempotency),
    job.held ? 1 : '',
    job.notBefore ?? '',
    spec.onDependencyFailure === 'wait' ? 1 : '',
    spec.group?.id ?? '',
    spec.schedule?.id ?? '',
    ...spec.after.flatMap(({ job: other, on }) => [other, on]),
  ];
}

/** The job that the scripts answer with when they have taken one: whole, or what of it only they know. */
export function takenJob(job: NewJob, values: readonly string[]): Job {
  const [, position, ...fields] = values;
  const waiting = { position: position === '' ? null : Number(position) + 1, reason: null };
  const record = recordFromFields(fields);
  if (record.spec !== undefined) return jobFromRecord(record, waiting);
  const { id, name, user, needs, spec } = job;
  const taken = {
    ...record,
    id,
    name,
    user,
    priority: String(needs.priority),
    state: 'pending',
    attempt: '0',
  };
  const held = job.held ? { held: '1' } : {};
  const notBefore = job.notBefore === null ? {} : { notBefore: String(job.notBefore) };
  return jobFromRecord({ ...taken, ...held, ...notBefore }, waiting, spec);
}
