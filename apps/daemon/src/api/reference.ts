import swaggerUi from '@fastify/swagger-ui';
import type { FastifyInstance, FastifyPluginAsync } from 'fastify';
import { stringify } from 'yaml';
import { openToAll } from './authentication.js';
import { curlOf, SAMPLES } from './samples.js';

/** Nothing from anywhere else, and nothing inline but styles. */
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; " +
  "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

interface Operation {
  operationId?: string;
  requestBody?: { content?: Record<string, { example?: unknown }> };
  'x-codeSamples'?: { lang: string; label: string; source: string }[];
}

/** `/openapi.json`, `/openapi.yaml`, and at `/docs` a page to read and try them, which needs no other host. */
export const referenceRoutes: FastifyPluginAsync = async (app) => {
  openToAll(app);
  app.get('/openapi.json', { schema: { hide: true } }, () => fromHere(app.swagger()));
  app.get('/openapi.yaml', { schema: { hide: true } }, (_request, reply) =>
    reply.header('content-type', 'application/yaml; charset=utf-8').send(documentText(app)),
  );
  await app.register(swaggerUi, {
    routePrefix: '/docs',
    staticCSP: POLICY,
    transformSpecification: (document) => fromHere(document) as Record<string, unknown>,
    uiConfig: { validatorUrl: null, tryItOutEnabled: true, docExpansion: 'list', deepLinking: true },
    theme: { title: 'Berth', css: [{ filename: 'berth.css', content: '.topbar { display: none }' }] },
  });
};

/** The document as YAML. Keys such as `on` are quoted: readers of YAML 1.1 would take them for `true`. */
export function documentText(app: Pick<FastifyInstance, 'swagger'>): string {
  return stringify(app.swagger(), { strict: false, compat: 'yaml-1.1' });
}

/** The address in the file is that of a daemon with no settings; this one has its own. */
function fromHere(document: object): object {
  return { ...document, servers: [{ url: '/' }] };
}

/** Puts a sample beside each operation. */
export function withSamples<T extends object>(document: T): T {
  const { paths = {} } = document as { paths?: Record<string, Record<string, Operation>> };
  for (const operation of Object.values(paths).flatMap((path) => Object.values(path))) {
    const sample = SAMPLES[operation.operationId ?? ''];
    if (!sample) continue;
    operation['x-codeSamples'] = [{ lang: 'Shell', label: 'curl', source: curlOf(sample) }];
    const json = operation.requestBody?.content?.['application/json'];
    if (json && sample.body !== undefined) json.example = sample.body;
  }
  return document;
}
