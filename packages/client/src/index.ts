export { BerthClient, type BerthClientOptions } from './client.js';
export type { Devices } from './devices.js';
export { BerthProblem, BerthTimeout, BerthUnreachable, type FieldError } from './errors.js';
export type {
  JobReference,
  Jobs,
  LogOptions,
  PageOptions,
  RequestOptions,
  SubmitOptions,
  WaitOptions,
} from './jobs.js';
