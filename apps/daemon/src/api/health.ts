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
        description:
          '503 where Redis takes no writes, or holds another ledger, or the disk of the data directory is full: `detail` says which. Needs no token.',
        security: [],
        response: { 200: HealthSchema, 503: HealthSchema },
      },
    },
    async (_request, reply) => {
      const problem = await app.context.readiness.whyNot();
      if (problem === null) return { status: 'ok' as const };
      const status = problem.code === 'draining' ? ('draining' as const) : ('unavailable' as const);
      return reply.code(503).send({ status, detail: problem.sentence });
    },
  );
};
