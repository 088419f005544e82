import {
  MeSchema,
  makeJobId,
  NewTokenSchema,
  TokenIdSchema,
  TokenListSchema,
  TokenSchema,
  TokenSubmissionSchema,
  UserSchema,
} from '@berth/contract';
import type { FastifyPluginAsyncZodOpenApi } from 'fastify-zod-openapi';
import { z } from 'zod';
import { LedgerRefusal } from '../ledger/refusal.js';
import { digestOf, newSeed, tokenOf } from './authentication.js';
import { type Caller, callerOf } from './caller.js';
import { idempotencyOf, keyGone, madeReply, orIdempotencyConflict } from './idempotency.js';
import { ApiProblem } from './problem.js';
import { problems } from './problem-responses.js';
import { or404, userOr404 } from './users.js';

const ParametersSchema = z.object({ user: UserSchema });
const TokenKeyHeaderSchema = z.object({
  'idempotency-key': z
    .string()
    .min(16, 'must be 16 characters at least, and random: the token is made of it')
    .max(255)
    .optional()
    .meta({
      description:
        'The same key with the same body, within a day, shows the same token again. The token is made of it: take a random one, such as a UUID.',
    }),
});
const iso = (milliseconds: number): string => new Date(milliseconds).toISOString();

/** `GET /v1/me`, `POST` and `GET /v1/users/{user}/tokens`, `DELETE /v1/tokens/{token}`. */
export const tokenRoutes: FastifyPluginAsyncZodOpenApi = async (app) => {
  const { users } = app.context;

  app.get(
    '/v1/me',
    {
      schema: {
        operationId: 'getMe',
        tags: ['users'],
        summary: 'Who asks, and what they may do',
        description: 'And by what they are known: a token, the unix socket, or the data directory.',
        response: { 200: MeSchema, ...problems() },
      },
    },
    async (request) => {
      const { expiresAt, ...me } = callerOf(request);
      return { ...me, expiresAt: expiresAt === null ? null : iso(expiresAt) };
    },
  );

  app.post(
    '/v1/users/:user/tokens',
    {
      schema: {
        operationId: 'createToken',
        tags: ['users'],
        summary: 'Make a token',
        description:
          'The answer is the only place where it is shown. One that was made by an expiring token expires no later. A lost answer is ' +
          'asked for again with the same Idempotency-Key, by the same token: within a day that shows the same token again, and makes no other.',
        params: ParametersSchema,
        headers: TokenKeyHeaderSchema,
        body: TokenSubmissionSchema.nullish(),
        response: {
          201: NewTokenSchema,
          200: NewTokenSchema.meta({ description: 'This Idempotency-Key was seen before: the first token.' }),
          ...problems(
            'malformed_request',
            'forbidden',
            'not_found',
            'idempotency_conflict',
            'invalid_request',
          ),
        },
      },
    },
    async (request, reply) => {
      const { user } = request.params;
      const { name, expiresIn } = request.body ?? TokenSubmissionSchema.parse({});
      const caller = callerOf(request);
      const expiresAt = earliest(expiresIn === undefined ? null : Date.now() + expiresIn * 1000, caller);
      await userOr404(app.context, user, caller.name === user ? caller.role : undefined);
      const key = request.headers['idempotency-key'] ?? newSeed();
      const seed = newSeed();
      const made = await users
        .addToken({
          id: makeJobId(Date.now(), (bytes) => crypto.getRandomValues(bytes)).replace('job_', 'tok_'),
          user,
          name,
          digest: digestOf(tokenOf(key, seed)).toString('hex'),
          seed,
          // Whoever has got hold of a token for a day must not be shown by it what a better one has made.
          idempotency: idempotencyOf(request, caller.token),
          expiresAt,
        })
        .catch(orIdempotencyConflict)
        .catch(or404(user));
      const token = await users.token(made.id);
      if (!token) throw keyGone(made.id);
      if (!made.replayed) request.log.info({ by: caller.name, user, token: made.id }, 'a token was made');
      return madeReply(reply, made.replayed).send({ ...token, token: tokenOf(key, made.seed) });
    },
  );

  app.get(
    '/v1/users/:user/tokens',
    {
      schema: {
        operationId: 'listTokens',
        tags: ['users'],
        summary: "A user's tokens, oldest first",
        description: 'What is needed to tell them apart; the tokens themselves are kept nowhere.',
        params: ParametersSchema,
        response: { 200: TokenListSchema, ...problems('forbidden', 'not_found', 'invalid_request') },
      },
    },
    async (request) => {
      const { user } = request.params;
      const caller = callerOf(request);
      await userOr404(app.context, user, caller.name === user ? caller.role : undefined);
      return { items: await users.tokensOf(user) };
    },
  );

  app.delete(
    '/v1/tokens/:token',
    {
      schema: {
        operationId: 'revokeToken',
        tags: ['users'],
        summary: 'Revoke a token',
        description: 'From the answer on it opens nothing. Answers with what it was.',
        params: z.object({ token: TokenIdSchema }),
        response: { 200: TokenSchema, ...problems('forbidden', 'not_found', 'invalid_request') },
      },
    },
    async (request) => {
      const { token: id } = request.params;
      const token = await users.token(id);
      if (!token) throw new ApiProblem('not_found', `There is no token ${id}`);
      await users.revokeToken(id).catch((error: unknown) => {
        // Somebody else was faster.
        if (!(error instanceof LedgerRefusal)) throw error;
      });
      request.log.info({ by: callerOf(request).name, user: token.user, token: id }, 'a token was revoked');
      return token;
    },
  );
};

/** Who has got hold of a token for a day must not make one for ever with it. */
function earliest(wanted: number | null, { expiresAt }: Caller): number | null {
  if (wanted === null || expiresAt === null) return wanted ?? expiresAt;
  return Math.min(wanted, expiresAt);
}
