import { randomUUID } from 'node:crypto';
import swagger from '@fastify/swagger';
import Fastify, { type FastifyBaseLogger, type FastifyInstance, LogController } from 'fastify';
import {
  fastifyZodOpenApiPlugin,
  fastifyZodOpenApiTransformers,
  serializerCompiler,
  validatorCompiler,
} from 'fastify-zod-openapi';
import { z } from 'zod';
import { checkPermissions } from './access.js';
import { requireCaller } from './authentication.js';
import { readBodies } from './bodies.js';
import type { ApiContext } from './context.js';
import { dashboardRoutes, showPageForUnknown } from './dashboard.js';
import { confirmLists, refuseWithoutLedger } from './degraded.js';
import { deviceRoutes } from './devices.js';
import { doctorRoutes } from './doctor.js';
import { HEADERS, withHeaders } from './document-headers.js';
import { drillRoutes } from './drill.js';
import { answerNotModified } from './etags.js';
import { eventRoutes } from './events.js';
import { explainRoutes } from './explain.js';
import { groupRoutes } from './groups.js';
import { guardRequests, type OurNames } from './guards.js';
import { healthRoutes } from './health.js';
import { guardKeys } from './idempotency.js';
import { jobControlRoutes } from './job-control.js';
import { jobRoutes } from './jobs.js';
import { ledgerRoutes } from './ledger.js';
import { logRoutes } from './logs.js';
import { metricRoutes } from './metrics.js';
import { refuseUnknownRoutes } from './no-route.js';
import { answerProblems, clientErrorHandler, frameworkErrors } from './problem.js';
import { withCommonProblems } from './problem-responses.js';
import { prometheusRoutes } from './prometheus.js';
import { queueRoutes } from './queue.js';
import { referenceRoutes, withSamples } from './reference.js';
import { scheduleRoutes } from './schedules.js';
import { shutdownRoutes } from './shutdown.js';
import { timelineRoutes } from './timeline.js';
import { tokenRoutes } from './tokens.js';
import { usageRoutes } from './usage.js';
import { userRoutes } from './users.js';
import { wordsFor } from './validation-words.js';

const LONGEST_FOR_HEADERS_SECONDS = 15;
const ABOUT =
  'A multi-GPU job scheduler. Bytes and seconds are numbers, times are RFC 3339 in UTC; requests also take texts such as `40GiB` and `2h`. ' +
  'Errors are RFC 9457 problems whose `type` stays the same, with every bad field at once: first of what has not the form that this document ' +
  'tells, and once all of it has, of what this host can not do. Every POST takes an `Idempotency-Key`: sent ' +
  'again with the same body, within a day, it makes or begins nothing a second time, and answers with what it made then; for another call or ' +
  'body it is 409. Keys are of who sends them: two users may use the same. All other calls may be sent twice as they are: the second time they change nothing. ' +
  'A body may have 4 MiB, that of a batch 64 MiB; it is sent uncompressed. Headers may have 16 KiB (431). A method that a path does not ' +
  'take is 405, with those that it takes in `Allow`.';
const BODY_LIMIT_BYTES = 4 * 2 ** 20;

/** How the API meets the network. */
export interface ServerOptions extends OurNames {
  /** In PEM; null: plain HTTP. */
  tls: { cert: Buffer; key: Buffer } | null;
  /** How long a client may take to send a request. */
  requestTimeoutSeconds: number;
  /** Whose X-Forwarded headers are believed. */
  trustedProxies: string[];
}

const ALONE: ServerOptions = {
  tls: null,
  requestTimeoutSeconds: 60,
  trustedProxies: [],
  hosts: [],
  origins: [],
};

/** The whole HTTP face of the daemon, from what it is handed; nothing here is global. */
export async function buildServer(
  context: ApiContext,
  logger: FastifyBaseLogger,
  options: ServerOptions = ALONE,
): Promise<FastifyInstance> {
  z.config({ localeError: wordsFor });
  const app = Fastify({
    loggerInstance: logger,
    bodyLimit: BODY_LIMIT_BYTES,
    genReqId: () => randomUUID(),
    logController: new LogController({ disableRequestLogging: true }),
    forceCloseConnections: true,
    frameworkErrors,
    clientErrorHandler,
    // The longest name that there is, as percent-encoded bytes.
    routerOptions: { maxParamLength: 300 },
    trustProxy: options.trustedProxies.length > 0 ? options.trustedProxies : false,
    requestTimeout: options.requestTimeoutSeconds * 1000,
    ...networkOptions(options),
  });
  // Without a listener Node answers by itself, with nothing but a status.
  app.server.on('checkExpectation', app.routing);
  app.decorate('context', context);
  app.setValidatorCompiler(validatorCompiler);
  app.setSerializerCompiler(compiledAtFirstUse);
  answerProblems(app);
  guardRequests(app, options);
  readBodies(app);
  showPageForUnknown(app);
  refuseWithoutLedger(app);
  confirmLists(app);
  requireCaller(app);
  refuseUnknownRoutes(app);
  checkPermissions(app);
  guardKeys(app);
  answerNotModified(app);
  await app.register(fastifyZodOpenApiPlugin);
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Berth',
        version: '1',
        description: ABOUT,
        license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
      },
      servers: [{ url: 'http://127.0.0.1:7700' }],
      security: [{ bearer: [] }],
      components: {
        headers: HEADERS,
        securitySchemes: {
          bearer: {
            type: 'http',
            scheme: 'bearer',
            description:
              "A user's token (`berth token create`), or the admin's: the file `token` in the daemon's data directory.",
          },
        },
      },
    },
    ...fastifyZodOpenApiTransformers,
    transformObject: (made) =>
      withSamples(withHeaders(withCommonProblems(fastifyZodOpenApiTransformers.transformObject(made)))),
  });
  await app.register(healthRoutes);
  await app.register(jobRoutes);
  await app.register(jobControlRoutes);
  await app.register(drillRoutes);
  await app.register(groupRoutes);
  await app.register(scheduleRoutes);
  await app.register(explainRoutes);
  await app.register(usageRoutes);
  await app.register(queueRoutes);
  await app.register(timelineRoutes);
  await app.register(eventRoutes);
  await app.register(logRoutes);
  await app.register(metricRoutes);
  await app.register(deviceRoutes);
  await app.register(prometheusRoutes);
  await app.register(doctorRoutes);
  await app.register(dashboardRoutes);
  await app.register(shutdownRoutes);
  await app.register(ledgerRoutes);
  await app.register(userRoutes);
  await app.register(tokenRoutes);
  await app.register(referenceRoutes);
  await app.ready();
  return app;
}

/** Most answers of most routes are never given: compiled beforehand they would take more than a second of each start. */
const compiledAtFirstUse: typeof serializerCompiler = (route) => {
  let serialize: ReturnType<typeof serializerCompiler> | null = null;
  return (data) => {
    serialize ??= serializerCompiler(route);
    return serialize(data);
  };
};

/** Node's own limits on slow clients; what it says of headers and how often it looks it takes with the server alone. */
function networkOptions({ tls, requestTimeoutSeconds }: ServerOptions): { http?: object; https?: object } {
  const limits = {
    headersTimeout: Math.min(requestTimeoutSeconds, LONGEST_FOR_HEADERS_SECONDS) * 1000,
    connectionsCheckingInterval: 1000,
    // Node would answer with nothing but a status; guards.ts says what is missing.
    requireHostHeader: false,
  };
  return tls ? { https: { ...tls, ...limits } } : { http: limits };
}
