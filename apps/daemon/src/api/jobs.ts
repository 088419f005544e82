import {
  ExplanationSchema,
  isEnded,
  type Job,
  type JobId,
  JobListSchema,
  JobReferenceSchema,
  JobSchema,
  type JobState,
  JobSubmissionSchema,
} from '@berth/contract';
import { countAhead, Order, type PendingJob } from '@berth/scheduler';
import type { FastifyPluginAsyncZodOpenApi } from 'fastify-zod-openapi';
import { z } from 'zod';
import type { JobSpec } from '../ledger/record.js';
import { LedgerRefusal } from '../ledger/refusal.js';
import { maySee, visibleTo } from './access.js';
import { callerOf } from './caller.js';
import { dropUnusedCode, withCode } from './code-request.js';
import type { ApiContext } from './context.js';
import { NOT_MODIFIED, sendJob } from './etags.js';
import { explainSubmission } from './explanation.js';
import { IdempotencyHeaderSchema, idempotencyOf, madeReply, orIdempotencyConflict } from './idempotency.js';
import { JobListQuerySchema, jobFilterOf } from './job-list-query.js';
import { resolveSubmission } from './job-request.js';
import { awaitState, JobWaitQuerySchema } from './job-wait.js';
import { ApiProblem } from './problem.js';
import { problems } from './problem-responses.js';
import { idNamed, readingOf } from './remembered-jobs.js';

export const JobParametersSchema = z.object({ job: JobReferenceSchema });

const SHORT_PAGES =
  'The order is that of submission, and a page costs as much with a million jobs as with a hundred. Where `user`, `name`, `label` or ' +
  '`device` is asked for, a page looks at 2,000 jobs at the most: it may come out short, or empty, and still have a `nextCursor`.';

/** `POST /v1/jobs`, `GET /v1/jobs`, `GET /v1/jobs/{job}`. */
export const jobRoutes: FastifyPluginAsyncZodOpenApi = async (app) => {
  const { ledger } = app.context;

  app.post(
    '/v1/jobs',
    {
      schema: {
        operationId: 'submitJob',
        tags: ['jobs'],
        summary: 'Submit a job',
        description: 'Once this has answered 201 the job is on disk and will not be lost.',
        headers: IdempotencyHeaderSchema,
        querystring: z.strictObject({
          dryRun: z
            .enum(['true', 'false'])
            .default('false')
            .meta({ description: 'Checks and explains the job, and submits nothing.' }),
        }),
        body: JobSubmissionSchema,
        response: {
          201: JobSchema,
          200: z.union([JobSchema, ExplanationSchema]).meta({
            description:
              'With dryRun: what would become of the job. Otherwise: this Idempotency-Key was seen before, the first job.',
          }),
          ...problems('malformed_request', 'idempotency_conflict', 'invalid_request'),
        },
      },
    },
    async (request, reply) => {
      const resolved = await resolveSubmission(request.body, app.context, callerOf(request));
      if (request.query.dryRun === 'true')
        return reply.code(200).send(await explainSubmission(app.context, resolved));
      const submission = await withCode(app.context, resolved);
      const { job, replayed } = await ledger
        .submit({ ...submission, idempotency: idempotencyOf(request) })
        .catch(async (error: unknown) => {
          await dropUnusedCode(app.context, [submission]);
          if (!(error instanceof LedgerRefusal)) throw error;
          if (error.code === 'idempotency_conflict') orIdempotencyConflict(error);
          throw unmetDependency(submission.spec.after, error);
        });
      await dropUnusedCode(app.context, [submission], job);
      const since = Date.parse(job.submittedAt);
      const next = { id: job.id, number: job.number, since, attempt: 1, needs: submission.needs };
      madeReply(reply, replayed).header('location', `/v1/jobs/${job.id}`);
      return sendJob(reply, withPosition(app.context, job, replayed ? undefined : next));
    },
  );

  app.get(
    '/v1/jobs',
    {
      config: { etag: true, withoutLedger: 'old' },
      schema: {
        operationId: 'listJobs',
        tags: ['jobs'],
        summary: 'List jobs, newest first',
        description: SHORT_PAGES,
        querystring: JobListQuerySchema,
        response: { 200: JobListSchema, ...NOT_MODIFIED, ...problems('invalid_request') },
      },
    },
    async (request) => {
      const { limit, cursor, ...filters } = request.query;
      const before = cursor === undefined ? null : Number(cursor);
      const filter = jobFilterOf(filters, app.context);
      const caller = callerOf(request);
      // Pages full of what others have would come out empty.
      const own = maySee(app.context, caller, filter.user ?? '') ? {} : { user: filter.user ?? caller.name };
      const wanted = { ...filter, ...own };
      const remembered = app.context.remembered();
      const { jobs, next } = remembered
        ? { jobs: remembered.list(wanted, limit), next: null }
        : await ledger.pages.page(wanted, { limit, before });
      const order = new Order(app.context.scheduling.state(), Date.now());
      const visible = visibleTo(request, jobs);
      const items = visible.map((job) => withPosition(app.context, job, undefined, order));
      return { items, nextCursor: next === null ? null : String(next) };
    },
  );

  app.get(
    '/v1/jobs/:job',
    {
      config: { etag: true, withoutLedger: 'old' },
      schema: {
        operationId: 'getJob',
        tags: ['jobs'],
        summary: 'One job, with its attempts and tasks',
        description:
          'With `wait` the answer comes when its state has changed, or it has ended: for who has no stream of events.',
        params: JobParametersSchema,
        querystring: JobWaitQuerySchema,
        response: {
          200: JobSchema,
          ...NOT_MODIFIED,
          ...problems('not_found', 'invalid_request', 'too_many_followers'),
        },
      },
    },
    async (request, reply) => {
      const id = await idOf(app.context, request.params.job);
      const read = () => jobOr404(app.context, id);
      const job = await awaitState(app.context, { id, read }, request.query, reply);
      return sendJob(reply, job);
    },
  );
};

/** How a job ended, as a sentence has it. */
export const endedAs = (state: string | undefined): string =>
  state === 'cancelled' ? 'was cancelled' : `has ${state}`;

/** Where a job is in its life, as a refusal has it. */
export const standing = (state: JobState): string => {
  if (isEnded(state)) return `${endedAs(state)} already`;
  return state === 'pending' ? 'waits' : `is ${state}`;
};

/** A dependency ended, or went, between our look at it and the submission; or it had ended before, and not as it should. */
export function unmetDependency(after: JobSpec['after'], { found }: LedgerRefusal): ApiProblem {
  const i = after.findIndex(({ job }) => job === found[0]);
  const { number, on } = after[i] as JobSpec['after'][0];
  const detail = `job ${number} ${endedAs(found[1])} already, so a job that waits until it has ${on} would never start; requeue it first, or submit with onDependencyFailure: "wait"`;
  return new ApiProblem('invalid_request', detail, [{ pointer: `#/after/${i}`, detail }]);
}

/** The id that a reference names. @throws ApiProblem `not_found` */
export async function idOf(context: ApiContext, reference: string): Promise<JobId> {
  const id = await idNamed(readingOf(context), reference);
  if (!id)
    throw new ApiProblem('not_found', `There is no job ${reference}; berth ls -a lists those there are`);
  return id;
}

/**
 * A job with its place in line, as the order is this moment.
 * @param fresh what the scheduler will hear of in a moment
 */
function withPosition(
  { scheduling }: ApiContext,
  job: Job,
  fresh?: PendingJob,
  order = new Order(scheduling.state(), Date.now()),
): Job {
  if (job.position === null) return job;
  const state = scheduling.state();
  const waiting = state.pending.get(job.id) ?? fresh;
  return waiting ? { ...job, position: countAhead(state, order, waiting) + 1 } : job;
}

/** @throws ApiProblem `not_found` */
export async function jobOr404(context: ApiContext, id: JobId): Promise<Job> {
  const job = await readingOf(context).job(id);
  if (!job) throw new ApiProblem('not_found', `There is no job ${id}; berth ls -a lists those there are`);
  if (job.state === 'pending') return withPosition(context, job);
  if (job.state !== 'running' && job.state !== 'stopping') return job;
  return { ...job, deviceUse: context.devices.useByJob(job) };
}
