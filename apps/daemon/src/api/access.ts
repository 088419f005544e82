import type { GroupId, Job, JobId, Schedule, ScheduleId, TokenId } from '@berth/contract';
import { judge, type Kind, whyForbidden } from '@berth/contract/permission';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { type Caller, callerOf } from './caller.js';
import type { ApiContext } from './context.js';
import { type OwnSight, useSeenBy } from './others-jobs.js';
import { OPERATIONS } from './permissions.js';
import { ApiProblem } from './problem.js';
import { idNamed, readingOf } from './remembered-jobs.js';

/** What stands for a value that is another user's business. */
const HIDDEN = '[hidden]';

/** Whose a thing is that a path names, by the name of the path's parameter; null: there is no such thing. */
const OWNERS: Record<string, (context: ApiContext, value: string) => Promise<string | null>> = {
  job: async (context, reference) => {
    const jobs = readingOf(context);
    const id = await idNamed(jobs, reference);
    return id && jobs.owner(id);
  },
  group: async ({ ledger }, id) => (await ledger.groups.get(id as GroupId))?.user ?? null,
  schedule: async (context, id) => {
    const record = await context.schedules.record(id as ScheduleId);
    return record && (record.plan.job.user ?? context.user);
  },
  user: async (_context, name) => name,
  token: async ({ users }, id) => (await users.token(id as TokenId))?.user ?? null,
};

/**
 * Lets everybody do what their role and whose things are allow (permissions.ts): first what a role alone decides, before a body is
 * read; then, where the path names something, by its owner.
 */
export function checkPermissions(app: FastifyInstance): void {
  app.addHook('onRequest', async (request) => {
    if (request.caller && !request.is404) check(request, request.caller, null);
  });
  app.addHook('preHandler', async (request) => {
    const caller = request.caller;
    const key = request.headers['idempotency-key'];
    // Two users may have thought of the same key, and must not get each other's jobs by it.
    if (typeof key === 'string' && caller && caller.by !== 'dataDirectory')
      request.headers = { ...request.headers, 'idempotency-key': `${caller.name}/${key}` };
    if (!caller || caller.role === 'admin' || request.is404) return;
    for (const [name, value] of Object.entries((request.params ?? {}) as Record<string, string>)) {
      const owner = await OWNERS[name]?.(app.context, value);
      if (owner) check(request, caller, owner);
    }
  });
  // The values of others' variables may be keys of theirs; wherever a job or a schedule is shown.
  app.addHook('preSerialization', async (request, _reply, payload) => {
    if (!request.caller || request.caller.role === 'admin') return payload;
    const shown = withoutSecrets(payload, request.caller) as Partial<Job> | null;
    const sight = shown?.deviceUse ? sightOf(request) : null;
    return sight && shown?.deviceUse ? { ...shown, deviceUse: useSeenBy(sight, shown.deviceUse) } : shown;
  });
}

function kindOf(request: FastifyRequest): Kind {
  const { operationId } = (request.routeOptions.schema ?? {}) as { operationId?: string };
  // The document, and pages about it.
  if (operationId === undefined && !request.routeOptions.url?.startsWith('/v1/')) return 'look';
  return (
    (operationId !== undefined && Object.hasOwn(OPERATIONS, operationId) && OPERATIONS[operationId]) ||
    'administer'
  );
}

function check(request: FastifyRequest, caller: Caller, owner: string | null): void {
  const kind = kindOf(request);
  const isOwn = owner === null ? null : owner === caller.name;
  const verdict = judge(caller.role, kind, isOwn, request.server.context?.access?.visibility ?? 'all');
  if (verdict === 'allowed') return;
  if (verdict === 'hidden') {
    throw new ApiProblem('not_found', `There is nothing of yours at ${request.url.split('?')[0]}`);
  }
  throw new ApiProblem('forbidden', whyForbidden(caller, kind, owner));
}

/** Whether who asks may see a thing of this owner. */
export function maySee({ access }: ApiContext, { role, name }: Caller, owner: string): boolean {
  return judge(role, 'see', owner === name, access.visibility) === 'allowed';
}

/** What who asks sees of others' jobs; null: all. */
export function sightOf(request: FastifyRequest): OwnSight | null {
  const { context } = request.server;
  const caller = callerOf(request);
  const { name } = caller;
  if (maySee(context, caller, '')) return null;
  const { allocations } = context.scheduling.state();
  return { name, owns: (job) => allocations.get(job as JobId)?.needs.user === name };
}

/** Of things that have owners, those that who asks may see. */
export function visibleTo<T extends { user: string }>(request: FastifyRequest, things: readonly T[]): T[] {
  const caller = callerOf(request);
  return things.filter(({ user }) => maySee(request.server.context, caller, user));
}

/**
 * Whose a submission is.
 * @param named the `user` that it names
 * @throws ApiProblem `forbidden` where that is another's, for whom only admins submit
 */
export function submitterOf(caller: Pick<Caller, 'name' | 'role'>, named: string | undefined): string {
  if (named === undefined || named === caller.name) return caller.name;
  if (caller.role === 'admin') return named;
  throw new ApiProblem(
    'forbidden',
    `Only admins submit for others: this names ${named}, but comes from ${caller.name}; leave user out`,
  );
}

type Secretive = Partial<Pick<Job, 'user' | 'environment'>> & {
  items?: unknown[];
  job?: Schedule['job'] | string;
};

function withoutSecrets(payload: unknown, caller: Caller): unknown {
  if (typeof payload !== 'object' || payload === null) return payload;
  const { items, user, environment, job } = payload as Secretive;
  if (Array.isArray(items)) return { ...payload, items: items.map((item) => withoutSecrets(item, caller)) };
  if (user === undefined || user === caller.name) return payload;
  if (environment) return { ...payload, environment: hidden(environment) };
  if (typeof job === 'object' && job.environment)
    return { ...payload, job: { ...job, environment: hidden(job.environment as Job['environment']) } };
  return payload;
}

const hidden = (environment: Record<string, string>): Record<string, string> =>
  Object.fromEntries(Object.keys(environment).map((name) => [name, HIDDEN]));
