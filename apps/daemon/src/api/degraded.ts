import type { FastifyInstance } from 'fastify';
import { lostMeanwhile } from './lost-ledger.js';
import { LedgerUnavailable } from './problem.js';

declare module 'fastify' {
  interface FastifyContextConfig {
    /**
     * It is answered while the ledger can't be asked, too. `old`: from memory, and `Age` says how old that is, in seconds;
     * `current`: what it tells is not the ledger's, or says so itself.
     */
    withoutLedger?: 'old' | 'current';
  }
}

/**
 * Lists of a ledger that is gone are empty, and nobody knows of that for up to a second: so it is looked at once more before they are
 * given. For what is said to be missing `answerProblems` does the same.
 */
export function confirmLists(app: FastifyInstance): void {
  app.addHook('preSerialization', async (request, _reply, payload) => {
    const { open, withoutLedger } = request.routeOptions.config;
    const isList = typeof payload === 'object' && payload !== null && 'items' in payload;
    if (!isList || open || withoutLedger === 'current') return payload;
    const problem = await lostMeanwhile(request, app.context);
    if (problem) throw new LedgerUnavailable(problem);
    return payload;
  });
}

/** While the ledger can't be asked, what needs it is refused at once: nobody waits for what won't come, or is told a lie. */
export function refuseWithoutLedger(app: FastifyInstance): void {
  app.addHook('onRequest', async (request, reply) => {
    const problem = request.is404 ? null : app.context.ledgerProblem();
    const { open, withoutLedger } = request.routeOptions.config;
    if (problem === null || open) return;
    if (!withoutLedger) throw new LedgerUnavailable(problem);
    if (withoutLedger === 'old')
      reply.header('age', Math.max(0, Math.round((Date.now() - problem.since) / 1000)));
  });
}
