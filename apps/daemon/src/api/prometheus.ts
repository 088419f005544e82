import type { FastifyPluginAsyncZodOpenApi } from 'fastify-zod-openapi';
import { z } from 'zod';
import { problems } from './problem-responses.js';

/** `GET /metrics`. */
export const prometheusRoutes: FastifyPluginAsyncZodOpenApi = async (app) => {
  app.get(
    '/metrics',
    {
      config: { withoutLedger: 'current' },
      schema: {
        operationId: 'getPrometheusMetrics',
        tags: ['health'],
        summary: 'Devices, queue and daemon for Prometheus',
        description:
          "The text format of Prometheus, 0.0.4. It needs a token like everything else: a viewer's will do. No label is without bound; " +
          'docs/monitoring.md has the families.',
        querystring: z.strictObject({
          names: z.enum(['berth', 'dcgm']).default('berth').meta({
            description:
              "By whose names devices are told of: `dcgm` has those, and the units, of DCGM's exporter.",
          }),
        }),
        response: {
          200: {
            description: 'Families and their samples.',
            content: { 'text/plain': { schema: z.string() } },
          },
          ...problems('invalid_request'),
        },
      },
    },
    async (request, reply) => {
      const { exposition } = app.context;
      const text = await exposition.text(request.query.names);
      return reply.header('content-type', exposition.contentType).send(text);
    },
  );
};
