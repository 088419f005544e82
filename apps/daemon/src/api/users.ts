import {
  type RegisteredUser,
  RegisteredUserSchema,
  type Role,
  UserChangeSchema,
  UserListSchema,
  UserSchema,
  UserSubmissionSchema,
} from '@berth/contract';
import type { FastifyPluginAsyncZodOpenApi } from 'fastify-zod-openapi';
import { z } from 'zod';
import { LedgerRefusal } from '../ledger/refusal.js';
import { whyNoAccount } from './account.js';
import { callerOf } from './caller.js';
import type { ApiContext } from './context.js';
import {
  IdempotencyHeaderSchema,
  idempotencyOf,
  keyGone,
  madeReply,
  orIdempotencyConflict,
} from './idempotency.js';
import { ApiProblem, invalidRequest } from './problem.js';
import { problems } from './problem-responses.js';

const ParametersSchema = z.object({ user: UserSchema });

/** `POST` and `GET /v1/users`, `PATCH` and `DELETE /v1/users/{user}`. */
export const userRoutes: FastifyPluginAsyncZodOpenApi = async (app) => {
  const { users } = app.context;

  app.post(
    '/v1/users',
    {
      schema: {
        operationId: 'createUser',
        tags: ['users'],
        summary: 'Add a user',
        description:
          'They can do nothing before they have a token, or come by the unix socket. The same name twice is a conflict.',
        headers: IdempotencyHeaderSchema,
        body: UserSubmissionSchema,
        response: {
          201: RegisteredUserSchema,
          200: RegisteredUserSchema.meta({
            description: 'This Idempotency-Key was seen before: the user that it made, as they are now.',
          }),
          ...problems(
            'malformed_request',
            'forbidden',
            'user_conflict',
            'idempotency_conflict',
            'invalid_request',
          ),
        },
      },
    },
    async (request, reply) => {
      const { name, role, unixAccount } = request.body;
      checkAccount(app.context, name, unixAccount);
      const { replayed } = await users
        .add({ name, role, unixAccount }, idempotencyOf(request))
        .catch(orIdempotencyConflict)
        .catch((error: unknown) => {
          if (!(error instanceof LedgerRefusal)) throw error;
          throw new ApiProblem(
            'user_conflict',
            `There is a user ${name} already; berth user set ${name} changes them`,
          );
        });
      const user = await users.get(name);
      if (!user) throw keyGone(`the user ${name}`);
      if (!replayed)
        request.log.info({ by: callerOf(request).name, user: name, role, unixAccount }, 'a user was added');
      return madeReply(reply, replayed).header('location', `/v1/users/${name}`).send(user);
    },
  );

  app.get(
    '/v1/users',
    {
      schema: {
        operationId: 'listUsers',
        tags: ['users'],
        summary: 'All users, by name',
        description: 'Also those who are kept out.',
        response: { 200: UserListSchema, ...problems('forbidden') },
      },
    },
    async () => ({ items: await users.all() }),
  );

  app.patch(
    '/v1/users/:user',
    {
      schema: {
        operationId: 'changeUser',
        tags: ['users'],
        summary: 'Change the role of a user, or the account that their jobs run as; or keep them out',
        description:
          'What is not named stays as it is. It holds from the answer on, for tokens that they have, too.',
        params: ParametersSchema,
        body: UserChangeSchema,
        response: {
          200: RegisteredUserSchema,
          ...problems('malformed_request', 'forbidden', 'not_found', 'invalid_request'),
        },
      },
    },
    async (request) => {
      const { user: name } = request.params;
      checkAccount(app.context, name, request.body.unixAccount ?? null);
      await users.change(name, request.body).catch(or404(name));
      request.log.info({ by: callerOf(request).name, user: name, ...request.body }, 'a user was changed');
      return userOr404(app.context, name);
    },
  );

  app.delete(
    '/v1/users/:user',
    {
      schema: {
        operationId: 'deleteUser',
        tags: ['users'],
        summary: 'Remove a user and their tokens',
        description: 'Their jobs stay as they are. Answers with who it was.',
        params: ParametersSchema,
        response: { 200: RegisteredUserSchema, ...problems('forbidden', 'not_found', 'invalid_request') },
      },
    },
    async (request) => {
      const { user: name } = request.params;
      const user = await userOr404(app.context, name);
      await users.remove(name).catch(or404(name));
      request.log.info({ by: callerOf(request).name, user: name }, 'a user was removed');
      return user;
    },
  );
};

/** @throws ApiProblem `invalid_request` where jobs can't run as this account */
function checkAccount(context: ApiContext, user: string, account: string | null): void {
  const why = account === null ? null : whyNoAccount(context.access, user, account);
  if (why) throw invalidRequest([{ pointer: '#/unixAccount', detail: why }]);
}

/**
 * @param role what they are without being a user, if anything: root and the daemon's own account are admins
 * @throws ApiProblem `not_found`
 */
export async function userOr404({ users }: ApiContext, name: string, role?: Role): Promise<RegisteredUser> {
  const user = await users.get(name);
  if (!user) throw noUser(name, role);
  return user;
}

function noUser(name: string, role?: Role): ApiProblem {
  const flag = role === undefined || role === 'user' ? '' : ` --role ${role}`;
  return new ApiProblem(
    'not_found',
    `There is no user ${name}; berth user ls lists those there are, and berth user add ${name}${flag} makes one`,
  );
}

export const or404 = (name: string) => (error: unknown) => {
  throw error instanceof LedgerRefusal && error.code === 'not_found' ? noUser(name) : error;
};
