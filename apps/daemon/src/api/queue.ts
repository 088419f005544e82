import { type QueuedJob, QueueSchema } from '@berth/contract';
import { firstInLine, forecast, Order } from '@berth/scheduler';
import type { FastifyPluginAsyncZodOpenApi } from 'fastify-zod-openapi';
import { z } from 'zod';
import { visibleTo } from './access.js';
import { NOT_MODIFIED } from './etags.js';
import { problems } from './problem-responses.js';

const MOST_SHOWN = 200;

const QuerySchema = z.strictObject({
  limit: z.coerce.number().int().min(1).max(MOST_SHOWN).default(100).meta({
    description: 'The most jobs.',
    example: 20,
  }),
});

/** `GET /v1/queue`. */
export const queueRoutes: FastifyPluginAsyncZodOpenApi = async (app) => {
  const { ledger, scheduling } = app.context;
  app.get(
    '/v1/queue',
    {
      config: { etag: true },
      schema: {
        operationId: 'getQueue',
        tags: ['jobs'],
        summary: 'The jobs in line, in their order, with why each waits and when it is planned to start',
        description:
          'Jobs that are held, or wait for a time or another job, are not in line: `GET /v1/jobs?state=pending` has them, too.',
        querystring: QuerySchema,
        response: { 200: QueueSchema, ...NOT_MODIFIED, ...problems('invalid_request') },
      },
    },
    async (request) => {
      const { limit } = request.query;
      const now = Date.now();
      const state = scheduling.state();
      const line = firstInLine(state, new Order(state, now), limit);
      const starts = new Map(
        forecast(state, now, limit).map(({ job, from, certain }) => [
          job,
          { at: new Date(from).toISOString(), certain },
        ]),
      );
      const places = new Map(line.map(({ id }, i) => [id, i + 1]));
      const [inLine, running] = [state.pending.size, state.allocations.size];
      const [jobs, counts] = await Promise.all([ledger.jobsOf([...places.keys()]), ledger.counts()]);
      // Those that were placed meanwhile are out of the line.
      const waiting = visibleTo(request, jobs).filter((job) => job.state === 'pending');
      const items = waiting.map(
        (job): QueuedJob => ({
          ...job,
          position: places.get(job.id) ?? null,
          start: starts.get(job.id) ?? null,
        }),
      );
      return { items, inLine, waiting: counts.get('pending') ?? 0, running };
    },
  );
};
