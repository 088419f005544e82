import {
  type BatchSubmission,
  BatchSubmissionSchema,
  type Cause,
  type GroupId,
  GroupIdSchema,
  GroupSchema,
  makeJobId,
} from '@berth/contract';
import type { FastifyPluginAsyncZodOpenApi } from 'fastify-zod-openapi';
import { z } from 'zod';
import { LedgerRefusal } from '../ledger/refusal.js';
import type { NewJob } from '../ledger/submission.js';
import { type Caller, callerOf } from './caller.js';
import { dropUnusedCode, withCodeOfBatch } from './code-request.js';
import type { ApiContext } from './context.js';
import { NOT_MODIFIED } from './etags.js';
import { IdempotencyHeaderSchema, idempotencyOf, madeReply, orIdempotencyConflict } from './idempotency.js';
import { resolveSubmission } from './job-request.js';
import { unmetDependency } from './jobs.js';
import { ApiProblem, inside } from './problem.js';
import { problems } from './problem-responses.js';
import { combinations, memberId, withParameters } from './sweep.js';

type Resolved = Omit<NewJob, 'idempotency'>;

const CANCELLED: Cause = {
  code: 'user',
  sentence: 'its group was cancelled by a user',
  rank: null,
  exitCode: null,
  signal: null,
};
const ParametersSchema = z.object({ group: GroupIdSchema });

/** `POST /v1/jobs/batch`, `GET /v1/groups/{group}`, `POST /v1/groups/{group}/cancel`. */
export const groupRoutes: FastifyPluginAsyncZodOpenApi = async (app) => {
  const { ledger } = app.context;

  app.post(
    '/v1/jobs/batch',
    {
      // Ten thousand jobs are more than one.
      bodyLimit: 64 * 2 ** 20,
      schema: {
        operationId: 'submitBatch',
        tags: ['jobs'],
        summary: 'Submit many jobs, or a sweep',
        description:
          'All of them are checked before the first is taken. Where the answer got lost, the same body with the same ' +
          'Idempotency-Key completes what was begun.',
        headers: IdempotencyHeaderSchema,
        body: BatchSubmissionSchema,
        response: {
          201: GroupSchema,
          200: GroupSchema.meta({ description: 'This Idempotency-Key was seen before: the first group.' }),
          ...problems('malformed_request', 'idempotency_conflict', 'invalid_request', 'payload_too_large'),
        },
      },
    },
    async (request, reply) => {
      const caller = callerOf(request);
      const jobs = await resolveBatch(request.body, app.context, caller);
      const owners = new Set(jobs.map(({ user }) => user));
      const id = makeJobId(Date.now(), (bytes) => crypto.getRandomValues(bytes)).replace('job_', 'grp_');
      const placeOf = (i: number): string => (request.body.template ? 'template' : `jobs/${i}`);
      let members = await withCodeOfBatch(app.context, jobs, id, placeOf);
      const name = request.body.name ?? request.body.template?.name ?? (jobs[0] as Resolved).name;
      try {
        const group = {
          id,
          name,
          user: owners.size === 1 ? (jobs[0] as Resolved).user : caller.name,
          size: jobs.length,
          maxParallel: request.body.maxParallel ?? null,
          idempotency: idempotencyOf(request),
        };
        const opened = await ledger.groups.open(group).catch(async (error: unknown) => {
          await dropUnusedCode(app.context, members);
          throw error;
        });
        if (opened.replayed) {
          await dropUnusedCode(app.context, members);
          members = await withCodeOfBatch(app.context, jobs, opened.id, placeOf);
        }
        await ledger.submitAll(
          members.map((job, index) => asMember(job, { ...group, id: opened.id }, index)),
        );
        return madeReply(reply, opened.replayed)
          .header('location', `/v1/groups/${opened.id}`)
          .send(await groupOr404(app.context, opened.id));
      } catch (error) {
        if (!(error instanceof LedgerRefusal)) throw error;
        if (error.code === 'idempotency_conflict') orIdempotencyConflict(error);
        throw unmetDependency(
          jobs.flatMap(({ spec }) => spec.after),
          error,
        );
      }
    },
  );

  app.get(
    '/v1/groups/:group',
    {
      config: { etag: true },
      schema: {
        operationId: 'getGroup',
        tags: ['jobs'],
        summary: 'How far the jobs of a group are',
        description: 'How many of its jobs are in each state; `GET /v1/jobs?group=…` lists them.',
        params: ParametersSchema,
        response: { 200: GroupSchema, ...NOT_MODIFIED, ...problems('not_found', 'invalid_request') },
      },
    },
    (request) => groupOr404(app.context, request.params.group),
  );

  app.post(
    '/v1/groups/:group/cancel',
    {
      schema: {
        operationId: 'cancelGroup',
        tags: ['jobs'],
        summary: 'Cancel all jobs of a group that have not ended',
        description:
          'The last ones first, so that none starts in the place of another. Cancelling twice changes nothing.',
        params: ParametersSchema,
        response: { 202: GroupSchema, ...problems('not_found', 'idempotency_conflict', 'invalid_request') },
      },
    },
    async (request, reply) => {
      const { id } = await groupOr404(app.context, request.params.group);
      await ledger.groups.stop(id, CANCELLED);
      return reply.code(202).send(await groupOr404(app.context, id));
    },
  );
};

async function groupOr404({ ledger }: ApiContext, id: GroupId) {
  const group = await ledger.groups.get(id);
  if (!group) throw new ApiProblem('not_found', `There is no group ${id}`);
  return group;
}

function asMember(
  job: Resolved,
  { id, maxParallel }: { id: GroupId; maxParallel: number | null },
  index: number,
): NewJob {
  const parameters = job.spec.group?.parameters ?? {};
  const spec = { ...job.spec, group: { id, index, parameters } };
  const needs = { ...job.needs, limitedGroup: maxParallel === null ? null : { id, maxParallel } };
  return { ...job, id: memberId(id, index), spec, needs, idempotency: null };
}

/** The jobs of a batch, checked. @throws ApiProblem `invalid_request` with the pointers of the batch's own body */
async function resolveBatch(
  batch: BatchSubmission,
  context: ApiContext,
  caller: Caller,
): Promise<Resolved[]> {
  if (batch.template && batch.matrix) {
    const template = await inside('template', resolveSubmission(batch.template, context, caller));
    return combinations(batch.matrix).map((parameters) => {
      const job = withParameters(template, parameters);
      return { ...job, spec: { ...job.spec, group: { id: '', index: 0, parameters } } };
    });
  }
  const jobs: Resolved[] = [];
  for (const [i, job] of (batch.jobs ?? []).entries())
    jobs.push(await inside(`jobs/${i}`, resolveSubmission(job, context, caller)));
  return jobs;
}
