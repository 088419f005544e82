import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import type { FastifyInstance } from 'fastify';
import { ApiProblem } from './problem.js';

/**
 * Probes say nothing but that the daemon lives, and are asked by programs that hold no token. The dashboard's page holds nothing
 * either: it asks for a token, and then the API.
 */
const OPEN_ROUTES = new Set(['/healthz', '/readyz', '/', '/jobs', '/jobs/:job', '/submit', '/usage']);
const OPEN_FILES = '/assets/';

/** Reads the token of a data directory, making it at the first start: 256 random bits, in a file for its owner alone. */
export function openToken(file: string): string {
  if (existsSync(file)) return readFileSync(file, 'utf8').trim();
  const token = `berth_${randomBytes(32).toString('base64url')}`;
  writeFileSync(`${file}.new`, `${token}\n`, { mode: 0o600 });
  renameSync(`${file}.new`, file);
  return token;
}

export function digestOf(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}

/** Lets nobody in without the token (RFC 6750), before anything of a request is read; also where there is no route. */
export function requireToken(app: FastifyInstance): void {
  app.addHook('onRequest', async (request) => {
    const route = request.routeOptions.url ?? '';
    if (OPEN_ROUTES.has(route) || route.startsWith(OPEN_FILES)) return;
    const token = /^Bearer +(\S+)$/i.exec(request.headers.authorization ?? '')?.[1];
    if (token === undefined) {
      throw new ApiProblem(
        'unauthorized',
        'Send the header Authorization: Bearer TOKEN; the token is in the file "token" of the daemon\'s data directory',
      );
    }
    // Digests have one length, and comparing them tells nothing about the token by its time.
    if (!timingSafeEqual(digestOf(token), app.context.tokenDigest)) {
      throw new ApiProblem(
        'unauthorized',
        'This token is wrong; the right one is in the file "token" of the data directory',
      );
    }
  });
}
