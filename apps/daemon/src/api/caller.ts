import type { Me, TokenId } from '@berth/contract';
import type { FastifyRequest } from 'fastify';
import type { KnownUser } from '../ledger/users.js';

/** Who has sent a request. */
export interface Caller extends KnownUser {
  by: Me['by'];
  token: TokenId | null;
  /** Until when their token is good, in ms since the epoch; null: for ever. */
  expiresAt: number | null;
}

declare module 'fastify' {
  interface FastifyRequest {
    /** null for those who need nothing: probes. */
    caller: Caller | null;
  }
}

/** By what somebody is known who could be kept out; nobody keeps out the data directory's token. */
export function namesOf({ by, name, token }: Caller): string[] {
  return by === 'dataDirectory' ? [] : [name, ...(token === null ? [] : [token])];
}

/** Who has sent a request to a route that nobody gets to otherwise. */
export function callerOf(request: FastifyRequest): Caller {
  if (!request.caller) throw new Error(`nobody is known to have sent ${request.method} ${request.url}`);
  return request.caller;
}
