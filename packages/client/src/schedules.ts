import type { Job, Schedule, ScheduleList, ScheduleSubmissionInput } from '@berth/contract';
import { newKey, type RequestOptions, type SubmitOptions } from './jobs.js';
import type { Transport } from './transport.js';

/** A schedule's id, or the schedule itself. */
export type ScheduleReference = string | Pick<Schedule, 'id'>;

/** Jobs that are submitted again and again. */
export class Schedules {
  private readonly transport: Transport;

  constructor(transport: Transport) {
    this.transport = transport;
  }

  /** Makes a schedule. A lost answer is asked for again with the same key, so that there is one. */
  create(
    schedule: ScheduleSubmissionInput,
    { idempotencyKey, signal }: SubmitOptions = {},
  ): Promise<Schedule> {
    const headers = { 'idempotency-key': idempotencyKey ?? newKey() };
    return this.transport.json({ method: 'POST', path: '/v1/schedules', body: schedule, headers, signal });
  }

  /** All of them, oldest first. */
  async list({ signal }: RequestOptions = {}): Promise<Schedule[]> {
    return (await this.transport.json<ScheduleList>({ path: '/v1/schedules', signal })).items;
  }

  /** When it runs next, and what became of the last time. */
  get(schedule: ScheduleReference, { signal }: RequestOptions = {}): Promise<Schedule> {
    return this.transport.json({ path: pathOf(schedule), signal });
  }

  /** Ends it. Jobs that it made go on. @returns what it was */
  delete(schedule: ScheduleReference, { signal }: RequestOptions = {}): Promise<Schedule> {
    return this.transport.json({ method: 'DELETE', path: pathOf(schedule), signal });
  }

  /** Lets it make no more jobs until it is resumed. */
  pause(schedule: ScheduleReference, { signal }: RequestOptions = {}): Promise<Schedule> {
    return this.transport.json({ method: 'POST', path: `${pathOf(schedule)}/pause`, signal });
  }

  /** Lets it go on, from its next time on. */
  resume(schedule: ScheduleReference, { signal }: RequestOptions = {}): Promise<Schedule> {
    return this.transport.json({ method: 'POST', path: `${pathOf(schedule)}/resume`, signal });
  }

  /** Submits its job now, besides. @throws BerthProblem `schedule_conflict` when the job can't be submitted any more */
  run(schedule: ScheduleReference, { idempotencyKey, signal }: SubmitOptions = {}): Promise<Job> {
    const headers = { 'idempotency-key': idempotencyKey ?? newKey() };
    return this.transport.json({ method: 'POST', path: `${pathOf(schedule)}/run`, headers, signal });
  }
}

function pathOf(schedule: ScheduleReference): string {
  return `/v1/schedules/${encodeURIComponent(typeof schedule === 'object' ? schedule.id : schedule)}`;
}
