import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { ApiProblem } from './problem.js';

/** Names that are ours. */
export interface OurNames {
  /** Host names, without a port. */
  hosts: readonly string[];
  /** Origins whose pages may call us, besides our own. */
  origins: readonly string[];
}

/** What pages of ours may do: run and show what comes from here, and nothing else. */
const PAGE_POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; " +
  "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
const ANSWER_POLICY = "default-src 'none'; frame-ancestors 'none'";

const HEADERS: Readonly<Record<string, string>> = {
  'content-security-policy': ANSWER_POLICY,
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
  'cross-origin-opener-policy': 'same-origin',
  // What needs a token is nobody's else; a route that knows better says so.
  'cache-control': 'no-store',
};

/** What of an answer a page of an allowed origin may read besides its body. */
const READABLE = 'Berth-Log-Offset, ETag, Idempotency-Replayed, Location, Retry-After';

/** An address can't be rebound, as a name can: whoever sends one means it. */
const ADDRESS = /^(\d{1,3}(\.\d{1,3}){3}|\[[0-9a-f:.]+\])$/i;

/**
 * Keeps out what a browser sends in somebody else's name, before anything else is looked at.
 *
 * A page may send requests to any address, and what it may not read it can still cause. So the Host has to be ours (a name that was
 * rebound to this address isn't), and an Origin, which browsers send along with whatever changes something, has to be our own.
 */
export function guardRequests(app: FastifyInstance, names: OurNames): void {
  const hosts = new Set(['localhost', ...names.hosts].map((host) => host.toLowerCase()));
  const origins = new Set(names.origins.map((origin) => new URL(origin).origin));
  app.addHook('onRequest', async (request, reply) => {
    // On the raw answer: those that are written past Fastify have them too.
    for (const [name, value] of Object.entries(HEADERS)) reply.raw.setHeader(name, value);
    // The unix socket has no address that a browser could know.
    if (request.raw.socket.remoteAddress === undefined) return;
    checkHost(request, hosts);
    checkOrigin(request, origins);
    if (request.headers.origin !== undefined && origins.has(request.headers.origin))
      return share(request, reply);
  });
  app.addHook('onSend', async (_request, reply, payload) => {
    const isPage = String(reply.getHeader('content-type') ?? '').startsWith('text/html');
    if (isPage && !reply.hasHeader('content-security-policy'))
      reply.header('content-security-policy', PAGE_POLICY);
    return payload;
  });
}

/** Tells a browser that a page of an allowed origin may read our answers (Fetch standard, CORS); all of it needs a token still. */
function share(request: FastifyRequest, reply: FastifyReply): FastifyReply | undefined {
  reply.raw.setHeader('access-control-allow-origin', request.headers.origin as string);
  reply.raw.setHeader('cross-origin-resource-policy', 'cross-origin');
  reply.raw.setHeader('vary', 'Origin');
  reply.raw.setHeader('access-control-expose-headers', READABLE);
  if (request.method !== 'OPTIONS' || !request.headers['access-control-request-method']) return undefined;
  reply.raw.setHeader('access-control-allow-methods', 'GET, POST, PATCH, DELETE');
  reply.raw.setHeader(
    'access-control-allow-headers',
    'Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match, Last-Event-ID',
  );
  reply.raw.setHeader('access-control-max-age', '600');
  return reply.code(204).send();
}

function checkHost(request: FastifyRequest, hosts: ReadonlySet<string>): void {
  if (request.headers.host === undefined)
    throw new ApiProblem('malformed_request', 'The request has no header Host (RFC 9112, 3.2)');
  const name = request.host.replace(/:\d*$/, '').replace(/\.$/, '').toLowerCase();
  if (hosts.has(name) || ADDRESS.test(name)) return;
  const detail = `The Host of this request is ${JSON.stringify(name.slice(0, 100))}, which is no name of this host; name it in the daemon's setting allowedHosts`;
  throw new ApiProblem('forbidden', detail);
}

function checkOrigin(request: FastifyRequest, allowed: ReadonlySet<string>): void {
  const { origin } = request.headers;
  const site = request.headers['sec-fetch-site'];
  const isNavigation = request.headers['sec-fetch-mode'] === 'navigate' && request.method === 'GET';
  const isForeign =
    origin === undefined
      ? (site === 'cross-site' || site === 'same-site') && !isNavigation
      : origin !== `${request.protocol}://${request.host}` && !allowed.has(origin);
  if (!isForeign) return;
  const detail = `A page of ${origin ? JSON.stringify(origin.slice(0, 100)) : 'another site'} may not call Berth; name its origin in the daemon's setting allowedOrigins`;
  throw new ApiProblem('forbidden', detail);
}
