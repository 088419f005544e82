import { type Usage, UsageSchema } from '@berth/contract';
import { decayed, Order, policyOf, type SchedulerState, worth } from '@berth/scheduler';
import type { FastifyPluginAsyncZodOpenApi } from 'fastify-zod-openapi';
import { z } from 'zod';
import { aboutAs, NOT_MODIFIED } from './etags.js';
import { problems } from './problem-responses.js';

/** `GET /v1/usage`. */
export const usageRoutes: FastifyPluginAsyncZodOpenApi = async (app) => {
  const { scheduling, ledger } = app.context;
  app.get(
    '/v1/usage',
    {
      config: { etag: true },
      schema: {
        operationId: 'getUsage',
        tags: ['jobs'],
        summary: 'What users have used, hold and may have: the order of fair share',
        description:
          'The ETag is that of the figures to four digits: what changes by less, because time goes on, is a 304.',
        querystring: z.strictObject({}),
        response: { 200: UsageSchema, ...NOT_MODIFIED, ...problems('invalid_request') },
      },
    },
    async (_request, reply) => {
      const usage = usageOf(scheduling.state(), await ledger.usage.past(), Date.now());
      return reply.header('etag', aboutAs(usage)).send(usage);
    },
  );
};

/** @param totals what is over, in GPU-seconds, by user */
function usageOf(
  state: SchedulerState,
  { usage }: { usage: ReadonlyMap<string, { total: number }> },
  now: number,
): Usage {
  const { halfLifeSeconds, reachSeconds } = state.policy;
  const allocations = [...state.allocations.values()];
  const pending = [...state.pending.values()];
  const names = new Set([
    ...state.usage.keys(),
    ...Object.keys(state.policy.users).filter((name) => name !== '*'),
    ...allocations.map(({ needs }) => needs.user),
    ...pending.map(({ needs }) => needs.user),
  ]);
  const order = new Order(state, now);
  const users = [...names].map((user) => {
    const held = allocations.filter(({ needs }) => needs.user === user);
    const past = state.usage.get(user);
    const { weight, gpus: mostGpus, runningJobs: mostRunningJobs } = policyOf(state.policy, user);
    const sum = (figure: (allocation: (typeof held)[0]) => number): number =>
      held.reduce((total, allocation) => total + figure(allocation), 0);
    return {
      user,
      gpuSecondsTotal:
        (usage.get(user)?.total ?? 0) + sum(({ gpus, since }) => (gpus * Math.max(now - since, 0)) / 1000),
      gpuSecondsDecayed:
        (past ? decayed(past, now, halfLifeSeconds) : 0) +
        sum(({ gpus, since }) => worth(gpus, since, now, halfLifeSeconds)),
      weight,
      factor: order.factor(user),
      gpus: sum(({ gpus }) => gpus),
      runningJobs: held.length,
      pendingJobs: pending.filter(({ needs }) => needs.user === user).length,
      mostGpus,
      mostRunningJobs,
    };
  });
  users.sort((one, other) => other.factor - one.factor);
  return { halfLifeSeconds, reachSeconds, users };
}
