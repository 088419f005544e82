import Fastify from 'fastify';
import { expect, it } from 'vitest';
import type { LedgerProblem } from '../ledger/ledger-watch.js';
import type { ApiContext } from './context.js';
import { confirmLists, refuseWithoutLedger } from './degraded.js';
import { ApiProblem, answerProblems } from './problem.js';

const GONE: LedgerProblem = { code: 'wrong_ledger', sentence: 'the ledger is gone', since: Date.now() };

it.each(['/missing', '/used', '/empty'])(
  'a ledger whose loss is noticed while a request is under way makes %s no answer',
  async (path) => {
    let problem: LedgerProblem | null = null;
    const app = Fastify();
    app.decorate('context', {
      ledgerProblem: () => problem,
      unnoticedLedgerProblem: async () => null,
      meters: { refusedRequest: () => undefined },
    } as unknown as ApiContext);
    refuseWithoutLedger(app);
    confirmLists(app);
    answerProblems(app);
    app.get('/missing', async () => {
      problem = GONE;
      throw new ApiProblem('not_found', 'There is no such job');
    });
    app.get('/used', async () => {
      problem = GONE;
      throw new ApiProblem('idempotency_conflict', 'The key was used for what is gone');
    });
    app.get('/empty', async () => {
      problem = GONE;
      return { items: [] };
    });
    const { statusCode, headers } = await app.inject(path);
    expect(statusCode).toBe(503);
    expect(headers['retry-after']).toBeDefined();
  },
);
