import { HealthSchema } from '@berth/contract';
import type { FastifyPluginAsyncZodOpenApi } from 'fastify-zod-openapi';
import { checkRoom } from '../disk-room.js';
import { whyUnavailable } from '../ledger/unavailable.js';
import { openToAll } from './authentication.js';
import type { ApiContext } from './context.js';

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
      const { asked } = app.context.shutdown;
      const problem = await whyNotReady(app.context);
      if (problem !== null) return reply.code(503).send({ status: 'unavailable', detail: problem });
      if (!asked) return { status: 'ok' as const };
      const detail = `the daemon ends (jobs: ${asked}); it takes jobs for the next one, and starts none`;
      return reply.code(503).send({ status: 'draining', detail });
    },
  );
};

async function whyNotReady({ ledger, ledgerProblem, directories }: ApiContext): Promise<string | null> {
  const known = (): string | null => {
    const problem = ledgerProblem();
    return problem && `${problem.sentence}. Running jobs go on`;
  };
  if (known()) return known();
  try {
    checkRoom(directories.jobs);
    await ledger.probe();
    return null;
  } catch (error) {
    return known() ?? whyUnavailable(error as Error) ?? (error as Error).message;
  }
}
