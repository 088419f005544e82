import type { Problem, ProblemCode } from '@berth/contract';

/** One bad field of a request: a JSON pointer into the body (`#/gpus`), or the name of a parameter. */
export type FieldError = NonNullable<Problem['errors']>[number];

/** The daemon answered, and said no (RFC 9457). Sending the same again gets the same answer, unless `status` is 503 or 429. */
export class BerthProblem extends Error {
  override readonly name = 'BerthProblem';

  /** What to decide by; `unknown` where the answer was no problem document of Berth's. */
  readonly code: ProblemCode | 'unknown';
  /** The HTTP status. */
  readonly status: number;
  /** What happened and what to do, for people. */
  readonly detail: string;
  /** Every bad field; empty unless the request had some. */
  readonly errors: readonly FieldError[];
  /** The request's id in the daemon's log. */
  readonly instance: string | null;
  /** After how long the daemon wants to be asked again; null: it doesn't say. */
  readonly retryAfterSeconds: number | null;

  constructor(
    code: ProblemCode | 'unknown',
    status: number,
    detail: string,
    more: {
      errors?: readonly FieldError[] | undefined;
      instance?: string | undefined;
      retryAfterSeconds?: number | undefined;
    } = {},
  ) {
    super(detail);
    this.code = code;
    this.status = status;
    this.detail = detail;
    this.errors = more.errors ?? [];
    this.instance = more.instance ?? null;
    this.retryAfterSeconds = more.retryAfterSeconds ?? null;
  }
}

/** Nobody answered at the address, for as long as it was tried. Whether the daemon did what was asked is unknown. */
export class BerthUnreachable extends Error {
  override readonly name = 'BerthUnreachable';

  /** The address that was tried. */
  readonly url: string;
  /** What went wrong there, such as `connect ECONNREFUSED 127.0.0.1:7700`. */
  readonly reason: string;

  constructor(url: string, reason: string, options?: ErrorOptions) {
    super(
      `no answer from ${url} (${reason}): is berthd running there? Start it with "berthd", or name another address`,
      options,
    );
    this.url = url;
    this.reason = reason;
  }
}

/** A call, or a wait for a job, took longer than it was allowed to. What was asked may still be done; a job goes on. */
export class BerthTimeout extends Error {
  override readonly name = 'BerthTimeout';
}
