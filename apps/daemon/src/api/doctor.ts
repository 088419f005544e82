import { DoctorReportSchema } from '@berth/contract';
import type { FastifyPluginAsyncZodOpenApi } from 'fastify-zod-openapi';
import { z } from 'zod';
import { examine } from '../doctor/examine.js';
import { callerOf } from './caller.js';
import { ApiProblem } from './problem.js';
import { problems } from './problem-responses.js';

/** `GET /v1/doctor`. */
export const doctorRoutes: FastifyPluginAsyncZodOpenApi = async (app) => {
  const { devices, directories, node, examineRedis } = app.context;
  app.get(
    '/v1/doctor',
    {
      config: { withoutLedger: 'current' },
      schema: {
        operationId: 'examine',
        tags: ['health'],
        summary: 'What a person would check by hand: driver, devices, PyTorch, Redis, permissions',
        description:
          'Each finding with what to do. It starts a Python of its own and may take a minute; nothing of the host is changed.',
        querystring: z.strictObject({
          python: z
            .string()
            .max(4095)
            .regex(/^\/[^\0]*$/, 'must be the absolute path of a python')
            .optional()
            .meta({ description: "Whose PyTorch to look at; default: the first on the daemon's PATH." }),
        }),
        response: { 200: DoctorReportSchema, ...problems('invalid_request') },
      },
    },
    async (request) => {
      const caller = callerOf(request);
      if (request.query.python !== undefined && caller.role !== 'admin') {
        const detail = `Only admins may name a program that berthd shall run; ${caller.name} is a ${caller.role}`;
        throw new ApiProblem('forbidden', detail);
      }
      const { items, driver, daemonRestarts } = await devices.list();
      const python = request.query.python ?? null;
      return examine({
        containment: app.context.containment,
        node,
        driver,
        devices: items,
        daemonRestarts,
        directories,
        redis: examineRedis,
        python,
      });
    },
  );
};
