import { once } from 'node:events';
import type { Socket } from 'node:net';
import { PROBLEMS, type Problem, type ProblemCode, problemType } from '@berth/contract';
import type {
  ConnectionError,
  FastifyError,
  FastifyInstance,
  FastifyReply,
  FastifyRequest,
  FastifyServerOptions,
} from 'fastify';
import { RequestValidationError } from 'fastify-zod-openapi';
import { adviceOn, DamagedRecord } from '../ledger/damage.js';
import { type Unavailable, type UnavailableCode, whyUnavailable } from '../ledger/unavailable.js';
import { lostMeanwhile } from './lost-ledger.js';

/** What is wrong in a body: each bad field, by its JSON pointer. */
export type FieldErrors = NonNullable<Problem['errors']>;

/** A request that can't be met, thrown by a handler and answered as RFC 9457 problem details. */
export class ApiProblem extends Error {
  override readonly name = 'ApiProblem';

  readonly code: ProblemCode;
  readonly errors: Problem['errors'];
  readonly retryAfterSeconds: number | undefined;

  constructor(code: ProblemCode, detail: string, errors?: Problem['errors'], retryAfterSeconds?: number) {
    super(detail);
    this.code = code;
    this.errors = errors;
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

/** Wrong tokens came too often from an address. */
export class TooManyAttempts extends ApiProblem {
  constructor(retryAfterSeconds: number) {
    const detail = `Too many wrong tokens came from this address; it may try again in ${retryAfterSeconds} s`;
    super('too_many_attempts', detail, undefined, retryAfterSeconds);
  }
}

/** The ledger can't be asked, or changed. */
export class LedgerUnavailable extends ApiProblem {
  readonly why: UnavailableCode;

  constructor({ code, sentence }: Unavailable) {
    const known = 'Running jobs go on, and they and devices are shown as they were';
    const again = 'Try again in a moment; with the same Idempotency-Key a submission is taken once only';
    // An emptied Redis stays so until somebody has acted.
    const detail = [sentence, known, ...(code === 'wrong_ledger' ? [] : [again])].join('. ');
    super('ledger_unavailable', detail, undefined, RETRY_AFTER_SECONDS);
    this.why = code;
  }
}

/** A body with bad fields, all of them named. */
export function invalidRequest(errors: FieldErrors): ApiProblem {
  const detail = errors.map((each) => `${each.pointer}: ${each.detail}`).join('; ');
  return new ApiProblem('invalid_request', detail, errors);
}

/** Puts the place of a job in a larger body before the pointers of the job's own errors. */
export async function inside<T>(place: string, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (!(error instanceof ApiProblem) || !error.errors) throw error;
    const errors: FieldErrors = error.errors.map((each) => ({
      ...each,
      pointer: each.pointer.replace('#', `#/${place}`),
    }));
    throw invalidRequest(errors);
  }
}

const PROBLEM_JSON = 'application/problem+json; charset=utf-8';
const PATIENCE_WITH_LARGE_BODIES_MS = 2000;
/** A Redis that died is back within a second or two. */
const RETRY_AFTER_SECONDS = 2;

/** Methods by which nothing is changed. */
const READS = ['GET', 'HEAD'];

/** Fastify's own errors that a client can cause, by what a client can do about them. */
const FASTIFY_PROBLEMS: Record<string, { code: ProblemCode; detail: string }> = {
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: {
    code: 'malformed_request',
    detail: 'The body is not as long as its header says',
  },
  FST_ERR_CTP_BODY_TOO_LARGE: { code: 'payload_too_large', detail: 'The body is too large' },
  FST_ERR_BAD_URL: { code: 'malformed_request', detail: 'The address is no URL' },
  FST_ERR_MAX_PARAM_LENGTH: { code: 'malformed_request', detail: 'A name in the address is too long' },
  FST_ERR_CTP_INVALID_MEDIA_TYPE: {
    code: 'unsupported_media_type',
    detail: 'Send JSON, with the header Content-Type: application/json',
  },
};

/** Answers every error, ours and Fastify's, as `application/problem+json`. */
export function answerProblems(app: FastifyInstance): void {
  app.setErrorHandler(async (error: FastifyError, request, reply) => {
    if (hasLeft(request, error)) {
      const { method, routeOptions } = request;
      request.log.info({ method, path: routeOptions.url }, 'a client went away before its request was whole');
      return sendProblem(request, reply, new ApiProblem('malformed_request', 'The request broke off'));
    }
    const problem = await orLedgerGone(request, asProblem(error));
    if (problem instanceof LedgerUnavailable)
      app.context.meters.refusedRequest(problem.why, READS.includes(request.method) ? 'read' : 'write');
    if (problem.code === 'payload_too_large') await letItFinishSending(request);
    return sendProblem(request, reply, problem, error);
  });
}

/** What reading a body fails with when its sender is gone. */
const BROKEN_OFF = ['ECONNRESET', 'ERR_STREAM_PREMATURE_CLOSE'];

const hasLeft = ({ raw }: FastifyRequest, { code }: FastifyError): boolean =>
  !raw.complete && raw.destroyed && BROKEN_OFF.includes(code);

/** What may be said only because the ledger is gone, and with it all that a request names. */
const SAID_OF_WHAT_IS_MISSING: readonly ProblemCode[] = [
  'unauthorized',
  'not_found',
  'invalid_request',
  'idempotency_conflict',
];

async function orLedgerGone(request: FastifyRequest, problem: ApiProblem): Promise<ApiProblem> {
  if (!SAID_OF_WHAT_IS_MISSING.includes(problem.code)) return problem;
  const lost = await lostMeanwhile(request, request.server.context);
  return lost ? new LedgerUnavailable(lost) : problem;
}

/** What Fastify refuses before it knows the route. */
export const frameworkErrors: NonNullable<FastifyServerOptions['frameworkErrors']> = (
  error,
  request,
  reply,
) => {
  sendProblem(request as FastifyRequest, reply as FastifyReply, asProblem(error), error);
};

/** What Node refuses before it is a request, by its code. */
const NODE_PROBLEMS: Record<string, { code: ProblemCode; status: number; phrase: string; detail: string }> = {
  ERR_HTTP_REQUEST_TIMEOUT: {
    code: 'request_timeout',
    status: 408,
    phrase: 'Request Timeout',
    detail: 'The request took longer to arrive than the setting requestTimeout allows',
  },
  HPE_HEADER_OVERFLOW: {
    code: 'payload_too_large',
    status: 431,
    phrase: 'Request Header Fields Too Large',
    detail: 'The headers are too large: 16 KiB at the most',
  },
};
const NO_HTTP = {
  code: 'malformed_request',
  status: 400,
  phrase: 'Bad Request',
  detail: 'This is no HTTP that could be read',
} as const;

/** Answers what never became a request, and ends the connection. */
export function clientErrorHandler(error: ConnectionError, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const { code, status, phrase, detail } = NODE_PROBLEMS[error.code] ?? NO_HTTP;
  const problem: Problem = { type: problemType(code), title: PROBLEMS[code].title, status, detail };
  const body = JSON.stringify(problem);
  const length = Buffer.byteLength(body);
  const head = `HTTP/1.1 ${status} ${phrase}\r\ncontent-type: ${PROBLEM_JSON}\r\ncontent-length: ${length}\r\nconnection: close\r\n\r\n`;
  socket.write(head + body);
  // Whoever sends so slowly might never close.
  socket.destroySoon();
}

/** A client that is still sending when the connection closes would see a broken pipe instead of the answer. */
async function letItFinishSending(request: FastifyRequest): Promise<void> {
  const enough = AbortSignal.timeout(PATIENCE_WITH_LARGE_BODIES_MS);
  request.raw.resume();
  await once(request.raw, 'end', { signal: enough }).catch(() => undefined);
}

function asProblem(error: FastifyError): ApiProblem {
  if (error instanceof ApiProblem) return error;
  if (error.validation) {
    const context = error.validationContext;
    const errors = error.validation.flatMap((issue) => {
      const unknown = unknownKeys(issue).map((key) => ({
        pointer: pointerOf(context, `${issue.instancePath.replace(/\/$/, '')}/${escaped(key)}`),
        detail: `there is no ${context === 'querystring' ? 'parameter' : 'field'} '${key}' here`,
      }));
      if (unknown.length > 0) return unknown;
      const detail =
        issue instanceof RequestValidationError ? describeIssue(issue) : (issue.message ?? 'is not valid');
      return [{ pointer: pointerOf(context, issue.instancePath), detail }];
    });
    // A number may be too large in two ways; one is enough.
    const seen = new Set<string>();
    return invalidRequest(errors.filter(({ pointer }) => !seen.has(pointer) && seen.add(pointer)));
  }
  const known = FASTIFY_PROBLEMS[error.code];
  if (known) return new ApiProblem(known.code, `${known.detail}. (${error.message})`);
  if (error instanceof DamagedRecord)
    return new ApiProblem('damaged_record', `${error.message}. ${adviceOn(error)}`);
  const unavailable = whyUnavailable(error);
  if (unavailable !== null) return new LedgerUnavailable(unavailable);
  return new ApiProblem('internal_error', 'Berth could not do this; its log has more under this instance');
}

/** RFC 6901 in its URI form for bodies (`#/gpus`), the plain name for parameters. */
function pointerOf(context: string | undefined, path: string): string {
  const inside = path.replace(/^\//, '');
  if (context !== 'body') return inside;
  return inside === '' ? '#' : `#/${inside}`;
}

const escaped = (key: string): string => key.replaceAll('~', '~0').replaceAll('/', '~1');

function unknownKeys(issue: object): string[] {
  if (!(issue instanceof RequestValidationError)) return [];
  const { issue: zodIssue } = issue.params;
  return zodIssue.code === 'unrecognized_keys' ? zodIssue.keys : [];
}

function describeIssue(issue: RequestValidationError): string {
  const { issue: zodIssue } = issue.params;
  // What is wrong with the name itself is one level deeper.
  if (zodIssue.code === 'invalid_key') return zodIssue.issues[0]?.message ?? issue.message;
  return issue.message;
}

function sendProblem(
  request: FastifyRequest,
  reply: FastifyReply,
  problem: ApiProblem,
  cause?: Error,
): FastifyReply {
  const { status, title } = PROBLEMS[problem.code];
  // Its watch and its connections, and who first meets damage, say that once, for all who ask meanwhile.
  if (problem instanceof LedgerUnavailable || cause instanceof DamagedRecord)
    request.log.debug(problem.message);
  else if (status >= 500) request.log.error({ err: cause ?? problem }, problem.message);
  const body: Problem = {
    type: problemType(problem.code),
    title,
    status,
    detail: problem.message,
    instance: request.id,
    ...(problem.errors ? { errors: problem.errors } : {}),
  };
  if (problem.retryAfterSeconds !== undefined) reply.header('retry-after', problem.retryAfterSeconds);
  if (status === 401) reply.header('www-authenticate', 'Bearer realm="berth"');
  return reply
    .code(status)
    .header('content-type', PROBLEM_JSON)
    .serializer((payload) => JSON.stringify(payload))
    .send(body);
}
