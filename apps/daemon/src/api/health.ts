import { HealthSchema } from '@berth/contract';
import type { FastifyPluginAsyncZodOpenApi } from 'fastify-zod-openapi';
import { openToAll } from './authentication.js';

/** `GET /healthz`: the process answers. `GET /readyz`: it can also take jobs. Who probes holds no token. */
export const healthRoutes: FastifyPluginAsyncZodOpenApi = async (app) => {
  openToAll(app);

  app.get(
    '/healthz',
    {
      schema: {
        operationId: 'isAlive',
        tags: ['health'],
        summary: 'Whether the daemon lives',
        description:
          'Answers as long as the process does, whatever Redis or the driver do. Needs no token: for probes.',
        security: [],
        response: { 200: HealthSchema },
      },
    },
    async () => ({ status: 'ok' as const }),
  );

  app.get(
    '/readyz',
    {
      schema: {
        operationId: 'isReady',
        tags: ['health'],
        summary: 'Whether the daemon can take jobs',
        description: 'Asks Redis for an answer; 503 where none comes. Needs no token.',
        security: [],
        response: { 200: HealthSchema, 503: HealthSchema },
      },
    },
    async (_request, reply) => {
      try {
        await app.context.ledger.ping();
        const { asked } = app.context.shutdown;
        if (asked) {
          const detail = `the daemon ends (jobs: ${asked}); it takes jobs for the next one, and starts none`;
          return reply.code(503).send({ status: 'draining', detail });
        }
        return { status: 'ok' as const };
      } catch {
        return reply.code(503).send({ status: 'unavailable', detail: 'Redis does not answer' });
      }
    },
  );
};
