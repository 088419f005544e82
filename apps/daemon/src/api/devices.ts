import { type Device, DeviceListSchema, type Holder, type Job } from '@berth/contract';
import type { FastifyPluginAsyncZodOpenApi } from 'fastify-zod-openapi';
import type { ApiContext } from './context.js';
import { problems } from './problem-responses.js';

/** `GET /v1/devices`. */
export const deviceRoutes: FastifyPluginAsyncZodOpenApi = async (app) => {
  app.get(
    '/v1/devices',
    {
      schema: {
        operationId: 'listDevices',
        tags: ['devices'],
        summary: 'All devices, with their newest sample and who holds them',
        response: { 200: DeviceListSchema, ...problems() },
      },
    },
    async () => {
      const { inventory, node } = app.context;
      const holders = await holdersOf(app.context);
      const { driverVersion, cudaVersion, simulated } = inventory.driver;
      const items = inventory.devices.map((facts): Device => {
        const sample = inventory.newest(facts.uuid);
        return {
          ...facts,
          node,
          simulated,
          holder: holders.get(facts.uuid) ?? null,
          sample: sample && {
            ...sample,
            takenAt: new Date(sample.takenAt).toISOString(),
            ageSeconds: Math.max(0, Date.now() - sample.takenAt) / 1000,
          },
        };
      });
      return { items, driver: { driverVersion, cudaVersion, simulated, problem: inventory.problem } };
    },
  );
};

async function holdersOf({ ledger }: ApiContext): Promise<Map<string, Holder>> {
  const allocations = await ledger.allocations();
  const jobs = new Map<string, Job>();
  const ids = [...new Set([...allocations.values()].map(({ job }) => job))];
  for (const job of await ledger.jobsOf(ids)) jobs.set(job.id, job);
  const holders = new Map<string, Holder>();
  for (const [uuid, { job: id, attempt }] of allocations) {
    const job = jobs.get(id);
    const placed = job?.attempts[attempt - 1];
    if (!job || !placed) continue;
    const { number, name, user } = job;
    holders.set(uuid, { job: id, number, name, user, attempt, since: placed.placedAt });
  }
  return holders;
}
