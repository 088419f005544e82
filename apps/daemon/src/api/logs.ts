import { Readable } from 'node:stream';
import { openLog } from '@berth/task-shim';
import type { FastifyReply } from 'fastify';
import type { FastifyPluginAsyncZodOpenApi } from 'fastify-zod-openapi';
import { z } from 'zod';
import { idOf, JobParametersSchema, jobOr404 } from './jobs.js';
import { followLog } from './log-follower.js';
import { ApiProblem } from './problem.js';
import { problems } from './problem-responses.js';

const BooleanParameterSchema = z
  .enum(['true', 'false', '1', '0', ''])
  .transform((text) => text !== 'false' && text !== '0');

/** `GET /v1/jobs/{job}/logs`: what a task has written, in the order in which it wrote it. */
export const logRoutes: FastifyPluginAsyncZodOpenApi = async (app) => {
  app.get(
    '/v1/jobs/:job/logs',
    {
      schema: {
        operationId: 'getLogs',
        tags: ['jobs'],
        summary: "A task's output",
        description:
          'The bytes as they were written. With `follow` the answer goes on until the job has ended. Where a very long ' +
          'log has lost its middle, a line in square brackets says how much.',
        params: JobParametersSchema,
        querystring: z.strictObject({
          rank: z.coerce.number().int().min(0).default(0),
          attempt: z.coerce
            .number()
            .int()
            .min(1)
            .optional()
            .meta({ description: 'Default: the current one.' }),
          stream: z
            .enum(['stdout', 'stderr'])
            .optional()
            .meta({ description: 'Default: both, as they came.' }),
          tail: z.coerce
            .number()
            .int()
            .min(0)
            .max(1_000_000)
            .optional()
            .meta({ description: 'Only the last lines.' }),
          offset: z.coerce
            .number()
            .int()
            .min(0)
            .optional()
            .meta({ description: 'Only what comes after this many bytes.' }),
          follow: BooleanParameterSchema.optional(),
        }),
        response: {
          200: {
            description: 'The output. The header Berth-Log-Offset says at which byte of the log it begins.',
            content: { 'text/plain': { schema: z.string() } },
          },
          ...problems('not_found', 'invalid_request'),
        },
      },
    },
    async (request, reply) => {
      const { directories } = app.context;
      const { rank, attempt, stream, tail, offset, follow } = request.query;
      const id = await idOf(app.context, request.params.job);
      const job = await jobOr404(app.context, id);
      const tasks = job.launch === 'perDevice' ? job.gpus : 1;
      if (rank >= tasks) {
        const detail = `Job ${job.number} has ${tasks} task${tasks === 1 ? '' : 's'}: rank 0${tasks === 1 ? '' : ` to ${tasks - 1}`}`;
        throw new ApiProblem('not_found', detail);
      }
      if (attempt !== undefined && attempt > job.attempts.length) {
        throw new ApiProblem('not_found', `Job ${job.number} has had ${job.attempts.length} attempts`);
      }

      const number = attempt ?? job.attempts.length;
      const log = openLog(directories.task(id, number, rank));
      const from = offset ?? (tail === undefined ? 0 : await log.tailOffset(tail));
      const closed = new AbortController();
      reply.raw.on('close', () => closed.abort());
      const output = followLog(app.context, {
        job: id,
        rank,
        attempt: attempt ?? null,
        stream: stream ?? null,
        from,
        follow: follow ?? false,
        signal: closed.signal,
      });
      return reply
        .header('content-type', 'text/plain; charset=utf-8')
        .header('x-content-type-options', 'nosniff')
        .header('cache-control', 'no-store')
        .header('berth-log-offset', from)
        .serializer((payload: string) => payload)
        .send(Readable.from(sayingHello(reply, output), { objectMode: false }) as never);
    },
  );
};

/** Who follows a job that hasn't written yet shall know at once that it is being followed. */
async function* sayingHello(reply: FastifyReply, output: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  reply.raw.flushHeaders();
  yield* output;
}
