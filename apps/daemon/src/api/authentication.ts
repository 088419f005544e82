import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { LedgerRefusal } from '../ledger/refusal.js';
import type { Caller } from './caller.js';
import type { ApiContext } from './context.js';
import { FailedAttempts } from './failed-attempts.js';
import type { LetIn } from './known-callers.js';
import { ApiProblem, TooManyAttempts } from './problem.js';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Whether it is answered without a token: it says nothing of this host. */
    open?: boolean;
  }
}

/** Declares all routes of a plugin open to who holds no token. */
export function openToAll(app: FastifyInstance): void {
  app.addHook('onRoute', (route) => {
    route.config = { ...route.config, open: true };
  });
}

/** A new token: 256 random bits behind a prefix by which scanners find those that leak. */
export function newToken(): string {
  return `berth_${newSeed()}`;
}

export function newSeed(): string {
  return randomBytes(32).toString('base64url');
}

/** The token that a key and a seed make: none of them alone tells anything about it (RFC 2104). */
export function tokenOf(key: string, seed: string): string {
  return `berth_${createHmac('sha256', key).update(seed).digest('base64url')}`;
}

/** Reads the token of a data directory, making it at the first start, in a file for its owner alone. */
export function openToken(file: string): string {
  if (existsSync(file)) return readFileSync(file, 'utf8').trim();
  const token = newToken();
  writeFileSync(`${file}.new`, `${token}\n`, { mode: 0o600 });
  renameSync(`${file}.new`, file);
  return token;
}

export function digestOf(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}

/** Lets nobody in who isn't known (RFC 6750), before anything of a request is read; also where there is no route. */
export function requireCaller(app: FastifyInstance): void {
  const attempts = new FailedAttempts();
  app.decorateRequest('caller', null);
  app.addHook('onRequest', async (request) => {
    const { open, withoutLedger } = request.routeOptions.config;
    if (!open) request.caller = await whoSent(request, app.context, attempts, withoutLedger !== undefined);
  });
}

/**
 * @param withoutLedger whether it is answered while the ledger can't be asked, too
 * @throws ApiProblem `unauthorized`, `too_many_attempts`, `ledger_unavailable`
 */
async function whoSent(
  request: FastifyRequest,
  context: ApiContext,
  attempts: FailedAttempts,
  withoutLedger: boolean,
): Promise<Caller> {
  const letIn: LetIn = (key, ask) => context.knownCallers.of(key, withoutLedger, ask);
  const token = /^Bearer +(\S+)$/i.exec(request.headers.authorization ?? '')?.[1];
  if (token === undefined) {
    const peer = await context.peers.callerBehind(request.raw.socket, letIn);
    if (peer) return peer;
    throw new ApiProblem(
      'unauthorized',
      'Send the header Authorization: Bearer TOKEN; berth token create makes one, and the admin\'s is in the file "token" of the daemon\'s data directory',
    );
  }
  const digest = digestOf(token);
  const address = context.peers.uidBehind(request.raw.socket) ?? request.ip;
  // Digests have one length, and comparing them tells nothing about the token by its time.
  if (timingSafeEqual(digest, context.tokenDigest)) {
    const { user } = context;
    return {
      name: user,
      role: 'admin',
      unixAccount: null,
      by: 'dataDirectory',
      token: null,
      expiresAt: null,
    };
  }
  const hex = digest.toString('hex');
  const wait = attempts.wait(String(address), hex);
  if (wait > 0) throw new TooManyAttempts(wait);
  try {
    const caller = await letIn(hex, async () => ({ ...(await context.users.useToken(hex)), by: 'token' }));
    attempts.succeeded(hex);
    return caller;
  } catch (error) {
    if (!(error instanceof LedgerRefusal)) throw error;
    attempts.failed(String(address), hex);
    request.log.warn({ address, why: error.code }, 'a wrong token');
    throw new ApiProblem('unauthorized', whyWrong(error));
  }
}

function whyWrong({ code, found }: LedgerRefusal): string {
  if (code === 'expired') return `This token of ${found[0]} has expired; berth token create makes another`;
  if (code === 'disabled') return `${found[0]} may not use Berth any more; ask an admin`;
  return 'This token is wrong, or was revoked; berth token create makes another';
}
