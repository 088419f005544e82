import { type DeviceUsage, type JobUsage, type Usage, UsageSchema, type UserUsage } from '@berth/contract';
import { type Allocation, decayed, Order, policyOf, type SchedulerState, worth } from '@berth/scheduler';
import type { FastifyPluginAsyncZodOpenApi } from 'fastify-zod-openapi';
import { z } from 'zod';
import type { JobUse, Past, Totals } from '../ledger/usage.js';
import { visibleTo } from './access.js';
import { aboutAs, NOT_MODIFIED } from './etags.js';
import { problems } from './problem-responses.js';

const MOST_JOBS = 100;

const QuerySchema = z.strictObject({
  jobs: z.coerce.number().int().min(0).max(MOST_JOBS).default(20).meta({
    description: 'The most jobs.',
    example: 20,
  }),
});

/** `GET /v1/usage`. */
export const usageRoutes: FastifyPluginAsyncZodOpenApi = async (app) => {
  const { scheduling, ledger, access } = app.context;
  app.get(
    '/v1/usage',
    {
      config: { etag: true },
      schema: {
        operationId: 'getUsage',
        tags: ['jobs'],
        summary: 'What users, devices and jobs have come to, how much of it idle; the order of fair share',
        description:
          'The ETag is that of the figures to four digits: what changes by less, because time goes on, is a 304.',
        querystring: QuerySchema,
        response: { 200: UsageSchema, ...NOT_MODIFIED, ...problems('invalid_request') },
      },
    },
    async (request, reply) => {
      const state = scheduling.state();
      const now = Date.now();
      const running = [...state.allocations.keys()];
      const [past, totals, jobs] = await Promise.all([
        ledger.usage.past(),
        ledger.usage.totals(),
        // Of more than were asked for some may be left for who sees only their own.
        ledger.usage.jobs(running, access.visibility === 'own' ? MOST_JOBS : request.query.jobs),
      ]);
      const { halfLifeSeconds, reachSeconds } = state.policy;
      const usage: Usage = {
        halfLifeSeconds,
        reachSeconds,
        users: usersOf(state, past, totals, now),
        devices: devicesOf(state, totals, now),
        jobs: visibleTo(request, jobsOf(state, jobs, now)).slice(0, request.query.jobs),
      };
      return reply.header('etag', aboutAs(usage)).send(usage);
    },
  );
};

/** What an allocation has come to, in GPU-seconds. */
const heldFor = ({ gpus, since }: Allocation, now: number): number =>
  (gpus * Math.max(now - since, 0)) / 1000;

function usersOf(state: SchedulerState, past: Past, totals: Totals, now: number): UserUsage[] {
  const { halfLifeSeconds } = state.policy;
  const allocations = [...state.allocations.values()];
  // By their shapes, of which there are few, however many wait.
  const waiting = new Map<string, number>();
  for (const { needs, queue } of state.shapes.values())
    waiting.set(needs.user, (waiting.get(needs.user) ?? 0) + queue.length);
  const names = new Set([
    ...state.usage.keys(),
    ...Object.keys(state.policy.users).filter((name) => name !== '*'),
    ...allocations.map(({ needs }) => needs.user),
    ...waiting.keys(),
  ]);
  const order = new Order(state, now);
  const users = [...names].map((user) => {
    const held = allocations.filter(({ needs }) => needs.user === user);
    const before = state.usage.get(user);
    const { weight, gpus: mostGpus, runningJobs: mostRunningJobs } = policyOf(state.policy, user);
    const sum = (figure: (allocation: Allocation) => number): number =>
      held.reduce((total, allocation) => total + figure(allocation), 0);
    return {
      user,
      gpuSecondsTotal: (past.usage.get(user)?.total ?? 0) + sum((allocation) => heldFor(allocation, now)),
      gpuSecondsDecayed:
        (before ? decayed(before, now, halfLifeSeconds) : 0) +
        sum(({ gpus, since }) => worth(gpus, since, now, halfLifeSeconds)),
      ...busynessOf(totals.users.get(user)),
      weight,
      factor: order.factor(user),
      gpus: sum(({ gpus }) => gpus),
      runningJobs: held.length,
      pendingJobs: waiting.get(user) ?? 0,
      mostGpus,
      mostRunningJobs,
    };
  });
  return users.sort((one, other) => other.factor - one.factor);
}

function devicesOf({ devices, holders }: SchedulerState, totals: Totals, now: number): DeviceUsage[] {
  return [...devices.values()].map(({ uuid, index, node }) => {
    const known = totals.devices.get(uuid);
    const held = (holders.get(uuid) ?? []).map((each) => heldFor(each, now) / each.devices.length);
    const gpuSeconds = held.reduce((sum, seconds) => sum + seconds, known?.used ?? 0);
    return { device: uuid, index, node, gpuSeconds, ...busynessOf(known) };
  });
}

function jobsOf({ allocations }: SchedulerState, jobs: readonly JobUse[], now: number): JobUsage[] {
  const usage = jobs.map(({ used, watched, idle, ...job }) => {
    const held = allocations.get(job.job);
    return { ...job, gpuSeconds: used + (held ? heldFor(held, now) : 0), ...busynessOf({ watched, idle }) };
  });
  return usage.sort((one, other) => other.gpuSeconds - one.gpuSeconds);
}

function busynessOf(known: { watched: number; idle: number } | undefined) {
  return { watchedGpuSeconds: known?.watched ?? 0, idleGpuSeconds: known?.idle ?? 0 };
}
