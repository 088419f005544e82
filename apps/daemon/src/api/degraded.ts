import type { FastifyInstance } from 'fastify';
import { ApiProblem } from './problem.js';

/** Nothing will be different sooner. */
const RETRY_AFTER_SECONDS = 5;

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Whether it is answered from memory while the ledger can't be asked; the answer says how old it is. */
    fromMemory?: boolean;
  }
}

/** While the ledger can't be asked, what needs it is refused at once: nobody waits for what won't come, or is told a lie. */
export function refuseWithoutLedger(app: FastifyInstance): void {
  app.addHook('onRequest', async (request) => {
    const { open, fromMemory } = request.routeOptions.config;
    const problem = open || fromMemory || request.is404 ? null : app.context.ledgerProblem();
    if (problem === null) return;
    throw new ApiProblem(
      'ledger_unavailable',
      `${problem.sentence}. Running jobs go on; devices are shown as they were. With the same Idempotency-Key a submission is taken once only`,
      undefined,
      RETRY_AFTER_SECONDS,
    );
  });
}
