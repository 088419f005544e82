import {
  type Device,
  DeviceHistorySchema,
  DeviceListSchema,
  DeviceSchema,
  DrainRequestSchema,
} from '@berth/contract';
import type { DeviceFacts } from '@berth/cuda-core';
import type { FastifyPluginAsyncZodOpenApi } from 'fastify-zod-openapi';
import { z } from 'zod';
import { LedgerRefusal } from '../ledger/refusal.js';
import { sightOf } from './access.js';
import { callerOf } from './caller.js';
import type { ApiContext } from './context.js';
import { NOT_MODIFIED } from './etags.js';
import { deviceSeenBy, devicesSeenBy } from './others-jobs.js';
import { ApiProblem } from './problem.js';
import { problems } from './problem-responses.js';
import { PAST, StretchSchema, stretchOf } from './stretch.js';

const ParametersSchema = z.object({
  device: z
    .string()
    .min(1)
    .max(100)
    .meta({ description: 'A UUID, an unambiguous beginning of one, an index, or `0:1` for a MIG instance.' }),
});

const AGES =
  'The ETag is that of the last sampling and the last change in the ledger: an answer that differs in the ages of samples alone is a 304.';

/** `GET /v1/devices`, `GET /v1/devices/{device}` and its `history`, `drain` and `resume`. */
export const deviceRoutes: FastifyPluginAsyncZodOpenApi = async (app) => {
  const { devices, histories, ledger } = app.context;

  app.get(
    '/v1/devices',
    {
      config: { etag: true, withoutLedger: 'current' },
      schema: {
        operationId: 'listDevices',
        tags: ['devices'],
        summary: 'All devices: what the driver says, who holds them, what keeps jobs away from them',
        description: AGES,
        response: { 200: DeviceListSchema, ...NOT_MODIFIED, ...problems() },
      },
    },
    async (request, reply) => {
      const { list, json, tag } = await devices.json();
      const sight = sightOf(request);
      // Made once for all who poll and see all; the types have checked what a serialiser would.
      return reply
        .header('content-type', 'application/json; charset=utf-8')
        .header('etag', tag)
        .send((sight ? JSON.stringify(devicesSeenBy(sight, list)) : json) as never);
    },
  );

  app.get(
    '/v1/devices/:device',
    {
      config: { etag: true },
      schema: {
        operationId: 'getDevice',
        tags: ['devices'],
        summary: 'One device',
        params: ParametersSchema,
        description: AGES,
        response: { 200: DeviceSchema, ...NOT_MODIFIED, ...problems('not_found', 'invalid_request') },
      },
    },
    async (request, reply) => {
      const device = await deviceOr404(app.context, request.params.device);
      const sight = sightOf(request);
      return reply.header('etag', await devices.tag()).send(sight ? deviceSeenBy(sight, device) : device);
    },
  );

  app.get(
    '/v1/devices/:device/history',
    {
      config: { withoutLedger: 'current' },
      schema: {
        operationId: 'getDeviceHistory',
        tags: ['devices'],
        summary: "A device's past",
        description: PAST,
        params: ParametersSchema,
        querystring: StretchSchema,
        response: { 200: DeviceHistorySchema, ...problems('not_found', 'invalid_request') },
      },
    },
    async (request) => {
      const { uuid } = factsOr404(app.context, request.params.device);
      const stretch = stretchOf(request.query);
      return histories.ofDevice(uuid, stretch) ?? { device: uuid, stepSeconds: 1, points: [] };
    },
  );

  app.post(
    '/v1/devices/:device/drain',
    {
      schema: {
        operationId: 'drainDevice',
        tags: ['devices'],
        summary: 'Take a device out of scheduling',
        description: 'The job on it goes on; no other is placed there until the device is resumed.',
        params: ParametersSchema,
        body: DrainRequestSchema.nullish(),
        response: {
          200: DeviceSchema,
          ...problems('malformed_request', 'not_found', 'idempotency_conflict', 'invalid_request'),
        },
      },
    },
    async (request) => {
      const { uuid } = factsOr404(app.context, request.params.device);
      const reason = request.body?.reason;
      const user = callerOf(request).name;
      const sentence = `drained by ${user}${reason ? `: ${reason}` : ''}`;
      await registered(uuid, ledger.devices.drain(uuid, { code: 'drained', sentence, by: user }));
      return deviceOr404(app.context, uuid);
    },
  );

  app.post(
    '/v1/devices/:device/resume',
    {
      schema: {
        operationId: 'resumeDevice',
        tags: ['devices'],
        summary: 'Give a device back to scheduling',
        description:
          'Takes back a drain, whoever has made it: a person, or Berth after failures. 409 while the driver cannot reach the device.',
        params: ParametersSchema,
        response: {
          200: DeviceSchema,
          ...problems('not_found', 'device_conflict', 'idempotency_conflict', 'invalid_request'),
        },
      },
    },
    async (request) => {
      const { uuid, index } = factsOr404(app.context, request.params.device);
      if (app.context.inventory.reach(uuid) === 'lost') {
        const detail = `Device ${index} is still lost: the driver can't reach it. Reset it or reboot the host first`;
        throw new ApiProblem('device_conflict', detail);
      }
      await registered(uuid, ledger.devices.resume(uuid));
      return deviceOr404(app.context, uuid);
    },
  );
};

function factsOr404({ devices, inventory }: ApiContext, name: string): DeviceFacts {
  const facts = devices.facts(name);
  if (facts) return facts;
  const meant = name === '' ? [] : inventory.devices.filter(({ uuid }) => uuid.startsWith(name));
  if (meant.length > 1) {
    const uuids = meant.map(({ uuid }) => uuid).join(', ');
    throw new ApiProblem(
      'not_found',
      `${name} may be any of ${meant.length} devices; write more of one: ${uuids}`,
    );
  }
  const there = inventory.devices.map(({ index, mig }) => `${index}${mig ? `:${mig.index}` : ''}`).join(', ');
  throw new ApiProblem(
    'not_found',
    `There is no device ${name}; ${there ? `there are ${there}` : 'this host has none'}`,
  );
}

async function deviceOr404(context: ApiContext, name: string): Promise<Device> {
  const { uuid } = factsOr404(context, name);
  return (await context.devices.fresh(uuid)) as Device;
}

/** @throws ApiProblem `not_found` where the ledger doesn't know the device (yet) */
async function registered<T>(uuid: string, change: Promise<T>): Promise<T> {
  try {
    return await change;
  } catch (error) {
    if (!(error instanceof LedgerRefusal)) throw error;
    throw new ApiProblem('not_found', `Device ${uuid} is not registered; restart berthd to register it`);
  }
}
