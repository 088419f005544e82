export { BerthClient, type BerthClientOptions } from './client.js';
export type { DeviceReference, Devices, PastOptions } from './devices.js';
export { BerthProblem, BerthTimeout, BerthUnreachable, type FieldError } from './errors.js';
export type { EventGap, EventOptions, StreamedEvent } from './events.js';
export type { GroupReference, Groups } from './groups.js';
export type {
  JobReference,
  Jobs,
  LogOptions,
  PageOptions,
  RequestOptions,
  SubmitOptions,
  WaitOptions,
} from './jobs.js';
export type { ScheduleReference, Schedules } from './schedules.js';
export { newIdempotencyKey } from './transport.js';
export type { Tokens, Users } from './users.js';
