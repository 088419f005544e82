import type { FastifyRequest } from 'fastify';
import type { LedgerProblem } from '../ledger/ledger-watch.js';
import type { ApiContext } from './context.js';

/** Why what a request has found missing may be just lost: noticed since it came in, or only now. null: the ledger is there. */
export async function lostMeanwhile(
  { is404, routeOptions: { config } }: FastifyRequest,
  context: Pick<ApiContext, 'ledgerProblem' | 'unnoticedLedgerProblem'>,
): Promise<LedgerProblem | null> {
  // Who is answered without the ledger says by itself what that means.
  const noticed = is404 || config.open || config.withoutLedger ? null : context.ledgerProblem();
  return noticed ?? (await context.unnoticedLedgerProblem());
}
