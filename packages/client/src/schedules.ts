import type { Job, Schedule, ScheduleList, ScheduleSubmissionInput } from '@berth/contract';
import type { RequestOptions, SubmitOptions } from './jobs.js';
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
  create(schedule: ScheduleSubmissionInput, options: SubmitOptions = {}): Promise<Schedule> {
    return this.transport.json({
      method: 'POST',
      makes: true,
      path: '/v1/schedules',
      body: schedule,
      ...options,
    });
  }

  /** All of them, oldest first. */
  async list(options: RequestOptions = {}): Promise<Schedule[]> {
    return (await this.transport.json<ScheduleList>({ path: '/v1/schedules', ...options })).items;
  }

  /** When it runs next, and what became of the last time. */
  get(schedule: ScheduleReference, options: RequestOptions = {}): Promise<Schedule> {
    return this.transport.json({ path: pathOf(schedule), ...options });
  }

  /** Ends it. Jobs that it made go on. @returns what it was */
  delete(schedule: ScheduleReference, options: RequestOptions = {}): Promise<Schedule> {
    return this.transport.json({ method: 'DELETE', path: pathOf(schedule), ...options });
  }

  /** Lets it make no more jobs until it is resumed. */
  pause(schedule: ScheduleReference, options: RequestOptions = {}): Promise<Schedule> {
    return this.transport.json({ method: 'POST', path: `${pathOf(schedule)}/pause`, ...options });
  }

  /** Lets it go on, from its next time on. */
  resume(schedule: ScheduleReference, options: RequestOptions = {}): Promise<Schedule> {
    return this.transport.json({ method: 'POST', path: `${pathOf(schedule)}/resume`, ...options });
  }

  /** Submits its job now, besides. @throws BerthProblem `schedule_conflict` when the job can't be submitted any more */
  run(schedule: ScheduleReference, options: SubmitOptions = {}): Promise<Job> {
    return this.transport.json({ method: 'POST', makes: true, path: `${pathOf(schedule)}/run`, ...options });
  }
}

function pathOf(schedule: ScheduleReference): string {
  return `/v1/schedules/${encodeURIComponent(typeof schedule === 'object' ? schedule.id : schedule)}`;
}
