import { randomUUID } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { LedgerImportSchema } from '@berth/contract';
import type { FastifyPluginAsyncZodOpenApi } from 'fastify-zod-openapi';
import { z } from 'zod';
import { ImportRefused } from '../ledger/import.js';
import { ApiProblem } from './problem.js';
import { problems } from './problem-responses.js';

const JSON_LINES = 'application/x-ndjson';

/** `GET` and `PUT /v1/ledger`: all that Berth knows, out and in. */
export const ledgerRoutes: FastifyPluginAsyncZodOpenApi = async (app) => {
  const { backup, directories } = app.context;
  // The body is passed on as it comes, whatever it is called.
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', (_request, payload, done) => done(null, payload));

  app.get(
    '/v1/ledger',
    {
      schema: {
        operationId: 'exportLedger',
        tags: ['operation'],
        summary: 'Export the ledger',
        description:
          'Lines of JSON, as of one moment, while all goes on: jobs, groups, schedules, users, tokens, usage and drains. Neither logs nor ' +
          'events. It holds secrets: environments of jobs and of webhooks; of tokens their digests. The last line is `{"end":true, …}`; without it the answer was cut short.',
        response: {
          200: { description: 'The ledger.', content: { [JSON_LINES]: { schema: z.string() } } },
          ...problems(),
        },
      },
    },
    async (_request, reply) =>
      reply
        .header('content-type', JSON_LINES)
        .serializer((payload: string) => payload)
        .send(Readable.from(backup.export(), { objectMode: false }) as never),
  );

  app.put(
    '/v1/ledger',
    {
      schema: {
        operationId: 'importLedger',
        tags: ['operation'],
        summary: 'Import a ledger',
        description:
          'Takes what `GET /v1/ledger` gave, also of an older version, into an empty ledger: one without jobs and schedules. The whole of it is ' +
          'looked through first. Jobs that ran when they were exported wait then, held: whether they still run nobody knows here.',
        response: {
          200: LedgerImportSchema,
          ...problems('ledger_conflict', 'invalid_request'),
        },
      },
    },
    async (request) => {
      const file = join(directories.root, `import-${randomUUID()}.jsonl`);
      try {
        const body = request.body instanceof Readable ? request.body : Readable.from([]);
        await pipeline(body, createWriteStream(file, { mode: 0o600 }));
        return await backup.import(file);
      } catch (error) {
        if (!(error instanceof ImportRefused)) throw error;
        throw new ApiProblem(
          error.code === 'not_empty' ? 'ledger_conflict' : 'invalid_request',
          error.message,
        );
      } finally {
        await rm(file, { force: true });
      }
    },
  );
};
