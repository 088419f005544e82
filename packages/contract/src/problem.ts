import { z } from 'zod';

/** Every kind of problem that the API answers with: its status and its title (RFC 9457, `type` and `title`). */
export const PROBLEMS = {
  malformed_request: { status: 400, title: 'The request could not be read' },
  unauthorized: { status: 401, title: 'A token is needed' },
  forbidden: { status: 403, title: 'This is not yours to do' },
  not_found: { status: 404, title: 'There is no such thing' },
  method_not_allowed: { status: 405, title: 'That cannot be done here' },
  request_timeout: { status: 408, title: 'The request took too long to arrive' },
  conflict: { status: 409, title: 'The job is not in a state that allows this' },
  device_conflict: { status: 409, title: 'The device is not in a state that allows this' },
  schedule_conflict: { status: 409, title: 'No job can be made of the schedule now' },
  ledger_conflict: { status: 409, title: 'The ledger is not empty' },
  user_conflict: { status: 409, title: 'There is such a user already' },
  idempotency_conflict: { status: 409, title: 'This Idempotency-Key was used for another request' },
  precondition_failed: { status: 412, title: 'It is not as the request expects' },
  log_removed: { status: 410, title: 'The log was kept for as long as retention says' },
  payload_too_large: { status: 413, title: 'The request is too large' },
  expectation_failed: { status: 417, title: 'Something is expected that Berth does not know' },
  range_not_satisfiable: { status: 416, title: 'There is nothing in this range' },
  unsupported_media_type: { status: 415, title: 'The body must be JSON' },
  invalid_request: { status: 422, title: 'The request has errors' },
  too_many_attempts: { status: 429, title: 'Too many requests with wrong tokens' },
  too_many_followers: { status: 429, title: 'Too many requests follow or wait' },
  damaged_record: { status: 500, title: 'The ledger holds something that can not be read' },
  internal_error: { status: 500, title: 'Berth made a mistake' },
  ledger_unavailable: { status: 503, title: 'The ledger does not answer' },
} as const;
export type ProblemCode = keyof typeof PROBLEMS;

/** The `type` member of a problem: a stable name, never reused for another meaning. */
export function problemType(code: ProblemCode): string {
  return `urn:berth:problem:${code}`;
}

/** RFC 9457 `application/problem+json`. */
export const ProblemSchema = z
  .object({
    type: z
      .string()
      .meta({ description: 'Stable name of the kind of problem.', example: problemType('invalid_request') }),
    title: z.string(),
    status: z.int(),
    detail: z.string().meta({ description: 'What happened here, and what to do.' }),
    instance: z.string().optional().meta({ description: "The request's id, also in the daemon's log." }),
    errors: z
      .array(
        z.object({
          pointer: z
            .string()
            .meta({ description: 'JSON pointer into the body, or the parameter.', example: '#/gpus' }),
          detail: z.string(),
        }),
      )
      .optional()
      .meta({ description: 'Every bad field at once.' }),
  })
  .meta({ id: 'Problem', description: 'RFC 9457 problem details.' });
export type Problem = z.infer<typeof ProblemSchema>;
