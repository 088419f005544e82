import { Readable } from 'node:stream';
import type { Job } from '@berth/contract';
import { openLog, type TaskLog } from '@berth/task-shim';
import type { FastifyReply } from 'fastify';
import type { FastifyPluginAsyncZodOpenApi } from 'fastify-zod-openapi';
import { z } from 'zod';
import { logsRemovedAt } from '../ledger/record.js';
import { callerOf } from './caller.js';
import type { ApiContext } from './context.js';
import { idOf, JobParametersSchema, jobOr404 } from './jobs.js';
import { type LogPlace, placeIn, sendLogEvents } from './log-events.js';
import { followLog } from './log-follower.js';
import { bytesIn, bytesOf, compressed, encodingFor, inOnePiece, type LogRange, rangeIn } from './log-text.js';
import { ApiProblem, invalidRequest } from './problem.js';
import { problems } from './problem-responses.js';
import { readingOf } from './remembered-jobs.js';

const BooleanParameterSchema = z
  .enum(['true', 'false', '1', '0', ''])
  .transform((text) => text !== 'false' && text !== '0');

const HeadersSchema = z.object({
  range: z.string().max(200).optional().meta({
    description: 'One range of bytes. Ignored beside `follow`, `stream`, `tail` and `offset`.',
    example: 'bytes=0-1023',
  }),
  'last-event-id': z.string().max(40).optional().meta({ description: 'For server-sent events.' }),
});

const QuerySchema = z.strictObject({
  rank: z.coerce.number().int().min(0).default(0),
  attempt: z.coerce.number().int().min(1).optional().meta({ description: 'Default: the current one.' }),
  stream: z.enum(['stdout', 'stderr']).optional().meta({ description: 'Default: both, as they came.' }),
  tail: z.coerce
    .number()
    .int()
    .min(0)
    .max(1_000_000)
    .optional()
    .meta({ description: 'Only the last lines. Ignored beside `offset`.' }),
  offset: z.coerce
    .number()
    .int()
    .min(0)
    .optional()
    .meta({ description: 'Only what comes after this many bytes.' }),
  follow: BooleanParameterSchema.optional(),
});

/** `GET /v1/jobs/{job}/logs`: what a task has written, in the order in which it wrote it. */
export const logRoutes: FastifyPluginAsyncZodOpenApi = async (app) => {
  app.get(
    '/v1/jobs/:job/logs',
    {
      config: { withoutLedger: 'current' },
      schema: {
        operationId: 'getLogs',
        tags: ['jobs'],
        summary: "A task's output",
        description:
          'The bytes as they were written. With `follow` the answer goes on until the job has ended. Where a very long ' +
          'log has lost its middle, a line in square brackets says how much. With `Accept: text/event-stream` it is followed as ' +
          'server-sent events: `output` with {`attempt`, `offset`, `text`}; `gap` with {`attempt`, `from`, `to`}, the bytes that are kept no longer; ' +
          'and after the last of it `end` with {`state`}, how the job ended. Their ids are `ATTEMPT:OFFSET`, and ' +
          '`Last-Event-ID` goes on behind one. Otherwise compressed as `Accept-Encoding` says, and by `Range` a part of it; of a ' +
          'log that has lost its middle as much of that as is there in one piece.',
        params: JobParametersSchema,
        headers: HeadersSchema,
        querystring: QuerySchema,
        response: {
          200: {
            description: 'The output. The header Berth-Log-Offset says at which byte of the log it begins.',
            content: { 'text/plain': { schema: z.string() }, 'text/event-stream': { schema: z.string() } },
          },
          206: { description: 'The range.', content: { 'text/plain': { schema: z.string() } } },
          ...problems(
            'not_found',
            'log_removed',
            'invalid_request',
            'range_not_satisfiable',
            'too_many_followers',
          ),
        },
      },
    },
    async (request, reply) => {
      const { context } = app;
      const { rank, attempt, stream, tail, offset, follow } = request.query;
      const job = await jobOr404(context, await idOf(context, request.params.job));
      taskOr404(job, rank, attempt);
      const isBody = request.method !== 'HEAD';
      const asEvents = isBody && /\btext\/event-stream\b/.test(request.headers.accept ?? '');
      const place = asEvents ? resumedAt(request.headers['last-event-id'], job, attempt) : null;
      const begin = place?.attempt ?? attempt ?? job.attempts.length;
      await keptOr410(context, job, begin);
      const log = openLog(context.directories.task(job.id, begin, rank));
      const from = place?.offset ?? offset ?? (tail === undefined ? 0 : await log.tailOffset(tail));
      const part = {
        job: job.id,
        rank,
        attempt: attempt ?? null,
        begin: begin || null,
        stream: stream ?? null,
        from,
      };
      if (asEvents || (isBody && follow)) {
        context.followers.enter(reply, callerOf(request));
        const pieces = followLog(context, { ...part, follow: closingOf(reply) });
        if (!asEvents) return sendText(reply, textOf(sayingHello(reply, bytesOf(pieces))), from);
        const ended = async () => ({ state: (await jobOr404(context, job.id)).state });
        await sendLogEvents(pieces, { attempt: Math.max(begin, 1), offset: from }, reply, ended);
        return reply as never;
      }
      const isWhole = stream === undefined && tail === undefined && offset === undefined;
      if (isWhole) {
        reply.header('accept-ranges', 'bytes');
        const range = request.headers['if-range'] ? null : rangeIn(request.headers.range, await log.size());
        if (range !== null) return sendRange(reply, log, range);
      }
      const text = textOf(bytesOf(followLog(context, { ...part, follow: null })));
      const encoding = encodingFor(request.headers['accept-encoding']);
      reply.header('vary', 'accept-encoding');
      if (encoding === null) return sendText(reply, text, from);
      return sendText(reply.header('content-encoding', encoding), compressed(text, encoding), from);
    },
  );
};

const textOf = (bytes: AsyncIterable<Buffer>): Readable => Readable.from(bytes, { objectMode: false });

function sendText(reply: FastifyReply, bytes: Readable, from: number) {
  return reply
    .header('content-type', 'text/plain; charset=utf-8')
    .header('x-content-type-options', 'nosniff')
    .header('cache-control', 'no-store')
    .header('berth-log-offset', from)
    .serializer((payload: string) => payload)
    .send(bytes) as never;
}

/** @throws ApiProblem `range_not_satisfiable` */
async function sendRange(reply: FastifyReply, log: TaskLog, asked: LogRange | 'unsatisfiable') {
  const range = asked === 'unsatisfiable' ? null : inOnePiece(asked, await log.gaps());
  if (range === null) {
    const size = await log.size();
    reply.header('content-range', `bytes */${size}`);
    const detail = `The log has ${size} bytes${size > 0 ? `, 0 to ${size - 1}` : ' yet'}, and none in the range that was asked for`;
    throw new ApiProblem('range_not_satisfiable', detail);
  }
  const { first, last, size } = range;
  reply
    .code(206)
    .header('content-range', `bytes ${first}-${last}/${size}`)
    .header('content-length', last - first + 1);
  return sendText(reply, textOf(bytesIn(log, range)), first);
}

/** @throws ApiProblem `not_found` */
export function taskOr404(job: Job, rank: number, attempt: number | undefined): void {
  const tasks = job.launch === 'perDevice' ? job.gpus : 1;
  if (rank >= tasks) {
    const detail = `Job ${job.number} has ${tasks} task${tasks === 1 ? '' : 's'}: rank 0${tasks === 1 ? '' : ` to ${tasks - 1}`}`;
    throw new ApiProblem('not_found', detail);
  }
  if (attempt !== undefined && attempt > job.attempts.length) {
    throw new ApiProblem('not_found', `Job ${job.number} has had ${job.attempts.length} attempts`);
  }
}

/** Aborted when the connection has ended. */
function closingOf(reply: FastifyReply): AbortSignal {
  const closing = new AbortController();
  reply.raw.once('close', () => closing.abort());
  return closing.signal;
}

/** @throws ApiProblem `log_removed` */
async function keptOr410(context: ApiContext, job: Job, attempt: number): Promise<void> {
  // Of one that goes on nothing was removed.
  if (job.attempts[attempt - 1]?.endedAt == null) return;
  const removedAt = logsRemovedAt(await readingOf(context).record(job.id), attempt);
  if (removedAt === null) return;
  const detail = `The logs of attempt ${attempt} of job ${job.number} are gone since ${removedAt} (the setting retention)`;
  throw new ApiProblem('log_removed', detail);
}

/** @throws ApiProblem `invalid_request` for an id that no event had */
function resumedAt(id: string | undefined, job: Job, attempt: number | undefined): LogPlace | null {
  if (id === undefined) return null;
  const place = placeIn(id);
  const isPast = place !== null && place.attempt <= Math.max(job.attempts.length, 1);
  if (isPast && (attempt === undefined || attempt === place.attempt)) return place;
  const detail = `${id.slice(0, 40)} is no place in this log; ids look like 1:4096, an attempt and an offset`;
  throw invalidRequest([{ pointer: 'last-event-id', detail }]);
}

/** Who follows a job that hasn't written yet shall know at once that it is being followed. */
async function* sayingHello(reply: FastifyReply, output: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  reply.raw.flushHeaders();
  yield* output;
}
