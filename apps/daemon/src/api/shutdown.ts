import { ShutdownRequestSchema, ShutdownSchema } from '@berth/contract';
import type { FastifyPluginAsyncZodOpenApi } from 'fastify-zod-openapi';
import { problems } from './problem-responses.js';

/** `POST /v1/shutdown`. */
export const shutdownRoutes: FastifyPluginAsyncZodOpenApi = async (app) => {
  app.post(
    '/v1/shutdown',
    {
      schema: {
        operationId: 'shutDown',
        tags: ['operation'],
        summary: 'End the daemon',
        description:
          'No job starts from now on; submissions are still taken, for the next daemon. `/readyz` says `draining` until the end. ' +
          'May be asked for again, with another word: the last one holds.',
        body: ShutdownRequestSchema,
        response: {
          202: ShutdownSchema,
          ...problems('malformed_request', 'idempotency_conflict', 'invalid_request'),
        },
      },
    },
    async (request, reply) => {
      const answer = await app.context.shutdown.begin(request.body.jobs);
      // The answer first: what ends the daemon cuts connections.
      reply.raw.once('close', () => app.context.shutdown.proceed());
      return reply.code(202).send(answer);
    },
  );
};
