import type { FastifyInstance, FastifyRequest } from 'fastify';
import { ApiProblem } from './problem.js';

/** Answers what no route does, before a body is read: 405 where the path takes other methods (RFC 9110, 15.5.6), or else 404. */
export function refuseUnknownRoutes(app: FastifyInstance): void {
  const methods = new Map<string, Set<string>>();
  app.addHook('onRoute', ({ url, method }) => {
    methods.set(url, new Set([...(methods.get(url) ?? []), ...[method].flat()]));
  });
  let paths: [RegExp, Set<string>][] | null = null;
  app.addHook('onRequest', async (request, reply) => {
    if (!request.is404) return;
    paths ??= [...methods].map(([url, those]) => [patternOf(url), those]);
    const path = pathOf(request);
    const allowed = paths.find(([pattern]) => pattern.test(path))?.[1];
    if (!allowed) throw nothingAt(request);
    const allow = [...allowed].sort().join(', ');
    reply.header('allow', allow);
    throw new ApiProblem('method_not_allowed', `${path} takes ${allow}, not ${request.method}`);
  });
  // Where a route finds no file.
  app.setNotFoundHandler(async (request) => {
    throw nothingAt(request);
  });
}

const pathOf = ({ url }: FastifyRequest): string => url.split('?')[0] as string;

/** What paths a route's address stands for. */
function patternOf(url: string): RegExp {
  const escaped = url.replace(/[.+?^${}()|[\]\\]/g, '\\$&');
  return new RegExp(`^${escaped.replace(/:\w+/g, '[^/]+').replace(/\*$/, '.*')}$`);
}

function nothingAt(request: FastifyRequest): ApiProblem {
  const detail = `${request.method} ${pathOf(request)} is nothing that Berth offers; /openapi.json lists what is`;
  return new ApiProblem('not_found', detail);
}
