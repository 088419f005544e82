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
import { digestOf, newToken } from './authentication.js';
import { type Caller, callerOf } from './caller.js';
import { ApiProblem } from './problem.js';
import { problems } from './problem-responses.js';
import { or404, userOr404 } from './users.js';

const ParametersSchema = z.object({ user: UserSchema });
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
          'The answer is the only place where it is shown. One that was made by an expiring token expires no later.',
        params: ParametersSchema,
        body: TokenSubmissionSchema.nullish(),
        response: {
          201: NewTokenSchema,
          ...problems('malformed_request', 'forbidden', 'not_found', 'invalid_request'),
        },
      },
    },
    async (request, reply) => {
      const { user } = request.params;
      const { name, expiresIn } = request.body ?? TokenSubmissionSchema.parse({});
      const caller = callerOf(request);
      const expiresAt = earliest(expiresIn === undefined ? null : Date.now() + expiresIn * 1000, caller);
      await userOr404(app.context, user);
      const id = makeJobId(Date.now(), (bytes) => crypto.getRandomValues(bytes)).replace('job_', 'tok_');
      const token = newToken();
      await users
        .addToken({ id, user, name, digest: digestOf(token).toString('hex'), expiresAt })
        .catch(or404(user));
      request.log.info({ by: caller.name, user, token: id }, 'a token was made');
      const made = await users.token(id);
      if (!made) throw new ApiProblem('not_found', `There is no user ${user} any more`);
      return reply.code(201).send({ ...made, token });
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
      await userOr404(app.context, request.params.user);
      return { items: await users.tokensOf(request.params.user) };
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
