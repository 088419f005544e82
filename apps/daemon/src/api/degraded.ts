import type { FastifyInstance } from 'fastify';
import { ApiProblem } from './problem.js';

/** Nothing will be different sooner. */
const RETRY_AFTER_SECONDS = 5;

declare module 'fastify' {
  interface FastifyContextConfig {
    /**
     * It is answered while the ledger can't be asked, too. `old`: from memory, and `Age` says how old that is, in seconds;
     * `current`: what it tells is not the ledger's, or says so itself.
     */
    withoutLedger?: 'old' | 'current';
  }
}

/** While the ledger can't be asked, what needs it is refused at once: nobody waits for what won't come, or is told a lie. */
export function refuseWithoutLedger(app: FastifyInstance): void {
  app.addHook('onRequest', async (request, reply) => {
    const problem = request.is404 ? null : app.context.ledgerProblem();
    const { open, withoutLedger } = request.routeOptions.config;
    if (problem === null || open) return;
    if (!withoutLedger) throw unavailable(problem.sentence);
    if (withoutLedger === 'old')
      reply.header('age', Math.max(0, Math.round((Date.now() - problem.since) / 1000)));
  });
}

/** @param why the ledger can't be asked */
export function unavailable(why: string): ApiProblem {
  const known = 'Running jobs go on, and they and devices are shown as they were';
  const detail = `${why}. ${known}. With the same Idempotency-Key a submission is taken once only`;
  return new ApiProblem('ledger_unavailable', detail, undefined, RETRY_AFTER_SECONDS);
}
