import { createHash } from 'node:crypto';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { Idempotency } from '../ledger/idempotency.js';
import { LedgerRefusal } from '../ledger/refusal.js';
import { ApiProblem } from './problem.js';

const KeySchema = z.string().min(1).max(255);

export const IdempotencyHeaderSchema = z.object({
  'idempotency-key': KeySchema.optional().meta({
    description:
      'The same key with the same body, within a day, makes nothing a second time and answers with what was made first; with another body it is a conflict.',
  }),
});

/** Of calls that may be sent twice by their nature: there a key guards against being used for two things. */
const GuardHeaderSchema = z.object({
  'idempotency-key': KeySchema.optional().meta({
    description:
      'This call may be sent twice as it is. A key, within a day, is a conflict where it was used for another call.',
  }),
});

/**
 * The key of a request (what is kept of it doesn't tell it), and a digest of what it asks for: where, and with which body.
 * @param more what else has to be the same
 */
export function idempotencyOf(request: FastifyRequest, ...more: unknown[]): Idempotency | null {
  const key = request.headers['idempotency-key'];
  if (typeof key !== 'string') return null;
  const asked = JSON.stringify([request.routeOptions.url, request.params, request.body, ...more]);
  return { key: digestOf(key), digest: digestOf(asked) };
}

const digestOf = (text: string): string => createHash('sha256').update(text).digest('base64url');

/** For `catch`: says of a key that was used for something else that it was. */
export function orIdempotencyConflict(error: unknown): never {
  const isConflict = error instanceof LedgerRefusal && error.code === 'idempotency_conflict';
  if (!isConflict) throw error;
  const what = `The key was used within the last day for something else, which was ${error.found[0]}`;
  throw new ApiProblem('idempotency_conflict', `${what}; use a new key for a new request`);
}

/** What a key made is there no more. */
export function keyGone(what: string): ApiProblem {
  const detail = `The key was used within the last day for ${what}, which is gone; use a new key for a new request`;
  return new ApiProblem('idempotency_conflict', detail);
}

/** Begins the answer to a request that has made something, now or when its key was sent first. */
export function madeReply(reply: FastifyReply, replayed: boolean): FastifyReply {
  if (replayed) reply.header('idempotency-replayed', 'true');
  return reply.code(replayed ? 200 : 201);
}

/** Lets every POST that does not read it by itself take a key, too. */
export function guardKeys(app: FastifyInstance): void {
  app.addHook('onRoute', (route) => {
    const { schema } = route;
    if (route.method !== 'POST' || !schema || schema.headers) return;
    schema.headers = GuardHeaderSchema;
    route.config = { ...route.config, guardsKey: true };
  });
  app.addHook('preHandler', async (request) => {
    const { guardsKey } = request.routeOptions.config;
    const idempotency = guardsKey ? idempotencyOf(request) : null;
    const what = `${request.method} ${request.url}`;
    if (idempotency) await app.context.ledger.useKey(idempotency, what).catch(orIdempotencyConflict);
  });
}

declare module 'fastify' {
  interface FastifyContextConfig {
    guardsKey?: boolean;
  }
}
