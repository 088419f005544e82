import { type Cause, type Job, JobChangeSchema, type JobId, JobSchema } from '@berth/contract';
import type { FastifyPluginAsyncZodOpenApi } from 'fastify-zod-openapi';
import { DamagedRecord } from '../ledger/damage.js';
import { LedgerRefusal } from '../ledger/refusal.js';
import { callerOf } from './caller.js';
import { IfMatchHeaderSchema, matches, sendJob } from './etags.js';
import { IdempotencyHeaderSchema, idempotencyOf, orIdempotencyConflict } from './idempotency.js';
import { endedAs, idOf, JobParametersSchema, jobOr404, standing } from './jobs.js';
import { ApiProblem, invalidRequest } from './problem.js';
import { problems } from './problem-responses.js';
import { outOfBounds } from './user-bounds.js';

const byUser = (sentence: string): Cause => {
  return { code: 'user', sentence, rank: null, exitCode: null, signal: null };
};

/** @throws ApiProblem `precondition_failed` */
function expectedOr412(ifMatch: string | undefined, job: Job): void {
  if (ifMatch === undefined || matches(ifMatch, job)) return;
  const detail = `Job ${job.number} has changed since you read it: read it again, and send the change with its new ETag`;
  throw new ApiProblem('precondition_failed', detail);
}

/** `POST /v1/jobs/{job}/cancel`, `hold`, `release` and `requeue`; `PATCH /v1/jobs/{job}`. */
export const jobControlRoutes: FastifyPluginAsyncZodOpenApi = async (app) => {
  const { ledger } = app.context;
  const answers = problems('not_found', 'conflict', 'idempotency_conflict', 'invalid_request');

  /** Carries a wish out. What the ledger refuses is a conflict, unless the job is as it was wished already. */
  const control = async (
    reference: string,
    wish: (id: JobId) => Promise<unknown>,
    refused: (job: Job, refusal: LedgerRefusal) => string | null,
  ): Promise<Job> => {
    const id = await idOf(app.context, reference);
    try {
      await wish(id);
    } catch (error) {
      if (!(error instanceof LedgerRefusal)) throw error;
      const why = refused(await jobOr404(app.context, id), error);
      if (why !== null) throw new ApiProblem('conflict', why);
    }
    return jobOr404(app.context, id).catch((error: unknown) => {
      if (!(error instanceof DamagedRecord)) throw error;
      throw new ApiProblem('damaged_record', `That is done, but can't be shown: ${error.message}`);
    });
  };

  app.post(
    '/v1/jobs/:job/cancel',
    {
      schema: {
        operationId: 'cancelJob',
        tags: ['jobs'],
        summary: 'Cancel a job',
        description:
          'A waiting job ends at once. A running one gets SIGTERM, after its grace period SIGKILL, and its devices are ' +
          'given out only when no process of it is left. Cancelling twice changes nothing.',
        params: JobParametersSchema,
        response: { 202: JobSchema, ...answers },
      },
    },
    async (request, reply) => {
      const job = await control(
        request.params.job,
        (id) => ledger.stop(id, 'cancelled', byUser('it was cancelled by a user')),
        ({ number, state }) =>
          state === 'cancelled'
            ? null
            : `Job ${number} has ${state} already; there is nothing left to cancel`,
      );
      return sendJob(reply.code(202), job);
    },
  );

  app.post(
    '/v1/jobs/:job/hold',
    {
      schema: {
        operationId: 'holdJob',
        tags: ['jobs'],
        summary: 'Keep a waiting job from starting',
        description:
          'It keeps its place by number, but leaves the line until it is released. Holding it twice changes nothing.',
        params: JobParametersSchema,
        response: { 200: JobSchema, ...answers },
      },
    },
    async (request, reply) => {
      const job = await control(
        request.params.job,
        (id) => ledger.hold(id),
        ({ number, state }) => `Job ${number} ${standing(state)}; only a job that waits can be held`,
      );
      return sendJob(reply, job);
    },
  );

  app.post(
    '/v1/jobs/:job/release',
    {
      schema: {
        operationId: 'releaseJob',
        tags: ['jobs'],
        summary: 'Let a held job go',
        description:
          'It is in line again at once, at its old place. Releasing a job that is not held changes nothing.',
        params: JobParametersSchema,
        response: { 200: JobSchema, ...answers },
      },
    },
    async (request, reply) => {
      const job = await control(
        request.params.job,
        (id) => ledger.release(id),
        ({ number, state }) => `Job ${number} ${standing(state)}; only a job that waits can be released`,
      );
      return sendJob(reply, job);
    },
  );

  app.post(
    '/v1/jobs/:job/requeue',
    {
      schema: {
        operationId: 'requeueJob',
        tags: ['jobs'],
        summary: 'Give a job a new attempt',
        description:
          'One that has ended waits again, at its old place in line. One that runs is stopped first: as by a cancel, or where it has a ' +
          'checkpointSignal by that, so that it saves its work. Jobs that failed because it had failed stay so.',
        params: JobParametersSchema,
        headers: IdempotencyHeaderSchema,
        response: { 202: JobSchema, ...answers },
      },
    },
    async (request, reply) => {
      const again = byUser('it was put in line again by a user');
      const job = await control(
        request.params.job,
        (id) => ledger.requeue(id, again, idempotencyOf(request)).catch(orIdempotencyConflict),
        ({ number, state }, { code }) =>
          code === 'code_removed'
            ? `The copy of its code that job ${number} would run in is gone (the setting retention); submit it anew`
            : state === 'pending'
              ? `Job ${number} waits already`
              : `Job ${number} is being stopped for good; requeue it when it has ended`,
      );
      return sendJob(reply.code(202), job);
    },
  );

  app.patch(
    '/v1/jobs/:job',
    {
      schema: {
        operationId: 'changeJob',
        tags: ['jobs'],
        summary: "Change a job that hasn't ended",
        description: 'A time limit is counted from the start, and holds for an attempt that runs too.',
        params: JobParametersSchema,
        headers: IfMatchHeaderSchema,
        body: JobChangeSchema,
        response: {
          200: JobSchema,
          ...problems('malformed_request', 'not_found', 'conflict', 'precondition_failed', 'invalid_request'),
        },
      },
    },
    async (request, reply) => {
      const { priority, ...rest } = request.body;
      const caller = callerOf(request);
      const { name } = caller;
      const errors = outOfBounds(
        { priority, timeLimit: rest.timeLimit },
        name,
        app.context.boundsOf(name),
        caller,
      );
      if (errors.length > 0) throw invalidRequest(errors);
      const expected = request.headers['if-match'];
      const spec = Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== undefined));
      const change = { ...(priority === undefined ? {} : { priority }), spec };
      const job = await control(
        request.params.job,
        (id) => ledger.change(id, change, (found) => expectedOr412(expected, found)),
        ({ number, state }) => `Job ${number} ${endedAs(state)} already; nothing of it can be changed`,
      );
      return sendJob(reply, job);
    },
  );
};
