import {
  JobSchema,
  JobSubmissionSchema,
  makeJobId,
  type Schedule,
  type ScheduleId,
  ScheduleIdSchema,
  ScheduleListSchema,
  ScheduleSchema,
  type ScheduleSubmission,
  ScheduleSubmissionSchema,
} from '@berth/contract';
import type { FastifyPluginAsyncZodOpenApi } from 'fastify-zod-openapi';
import { z } from 'zod';
import { localTimeZone, nextTime, whyNoCron, whyNoTimeZone } from '../cron.js';
import { LedgerRefusal } from '../ledger/refusal.js';
import { type ScheduleRecord, scheduleFromRecord } from '../ledger/schedules.js';
import type { NewJob } from '../ledger/submission.js';
import { visibleTo } from './access.js';
import { type Caller, callerOf } from './caller.js';
import { dropUnusedCode, resolveWithCode } from './code-request.js';
import type { ApiContext } from './context.js';
import { sendJob } from './etags.js';
import { IdempotencyHeaderSchema, idempotencyOf, madeReply, orIdempotencyConflict } from './idempotency.js';
import { resolveSubmission } from './job-request.js';
import { endedAs, jobOr404 } from './jobs.js';
import { ApiProblem, inside, invalidRequest } from './problem.js';
import { problems } from './problem-responses.js';

/**
 * Where the form is wrong nobody comes to look at the time and the place: so that is done here, for all to be said at once. It
 * extends by nothing, for the name in the document to be its own.
 */
const SubmissionSchema = ScheduleSubmissionSchema.extend({})
  .superRefine(
    (submission, context) => {
      for (const { field, detail } of whyNever(submission))
        context.addIssue({ code: 'custom', path: [field], message: detail });
    },
    { when: ({ issues, value }) => issues.length > 0 && typeof value === 'object' && value !== null },
  )
  .meta({ ...ScheduleSubmissionSchema.meta() });
const ParametersSchema = z.object({ schedule: ScheduleIdSchema });
const random = (bytes: Uint8Array) => crypto.getRandomValues(bytes);

/** `POST` and `GET /v1/schedules`; `GET` and `DELETE /v1/schedules/{schedule}`; `POST …/pause`, `resume` and `run`. */
export const scheduleRoutes: FastifyPluginAsyncZodOpenApi = async (app) => {
  const { schedules } = app.context;
  const params = ParametersSchema;

  app.post(
    '/v1/schedules',
    {
      schema: {
        operationId: 'createSchedule',
        tags: ['schedules'],
        summary: 'Submit a job again and again',
        description: 'The job is checked as if it were submitted now.',
        headers: IdempotencyHeaderSchema,
        body: SubmissionSchema,
        response: {
          201: ScheduleSchema,
          200: ScheduleSchema.meta({
            description: 'This Idempotency-Key was seen before: the first schedule.',
          }),
          ...problems('malformed_request', 'not_found', 'idempotency_conflict', 'invalid_request'),
        },
      },
    },
    async (request, reply) => {
      const { name, cron, timeZone = localTimeZone(), job, overlap, catchUp, enabled } = request.body;
      const resolved = await resolveSchedule(request.body, app.context, callerOf(request));
      const { id, replayed } = await schedules
        .create({
          id: makeJobId(Date.now(), random).replace('job_', 'sch_'),
          name: name ?? resolved.name,
          plan: { cron, timeZone, job: { ...job, user: resolved.user }, overlap, catchUp },
          nextRun: enabled ? nextTime(cron, timeZone, Date.now()) : null,
          idempotency: idempotencyOf(request),
        })
        .catch(orIdempotencyConflict);
      return madeReply(reply, replayed)
        .header('location', `/v1/schedules/${id}`)
        .send(await scheduleOr404(app.context, id));
    },
  );

  app.get(
    '/v1/schedules',
    {
      schema: {
        operationId: 'listSchedules',
        tags: ['schedules'],
        summary: 'All schedules, oldest first',
        description: 'Each with its next time, and what became of the last one.',
        response: { 200: ScheduleListSchema, ...problems() },
      },
    },
    async (request) => ({
      items: visibleTo(
        request,
        (await schedules.all()).map((record) => scheduleFromRecord(record)),
      ),
    }),
  );

  app.get(
    '/v1/schedules/:schedule',
    {
      schema: {
        operationId: 'getSchedule',
        tags: ['schedules'],
        summary: 'One schedule: when it runs next, and what became of the last time',
        description: 'The jobs that came of it are in `GET /v1/jobs?schedule=…`.',
        params,
        response: { 200: ScheduleSchema, ...problems('not_found', 'invalid_request') },
      },
    },
    (request) => scheduleOr404(app.context, request.params.schedule),
  );

  app.delete(
    '/v1/schedules/:schedule',
    {
      schema: {
        operationId: 'deleteSchedule',
        tags: ['schedules'],
        summary: 'Delete a schedule',
        description:
          'Once this is answered it makes no more jobs. Those that it made go on. Answers with what it was.',
        params,
        response: { 200: ScheduleSchema, ...problems('not_found', 'invalid_request') },
      },
    },
    async (request) => {
      const schedule = await scheduleOr404(app.context, request.params.schedule);
      await schedules.delete(schedule.id).catch(or404(schedule.id));
      return schedule;
    },
  );

  /** @param next when it runs next, given what it is; null: never */
  const enable = async (
    id: ScheduleId,
    next: (record: ScheduleRecord) => number | null,
  ): Promise<Schedule> => {
    await schedules.enable(id, next(await recordOr404(app.context, id))).catch(or404(id));
    return scheduleOr404(app.context, id);
  };

  app.post(
    '/v1/schedules/:schedule/pause',
    {
      schema: {
        operationId: 'pauseSchedule',
        tags: ['schedules'],
        summary: 'Let a schedule make no more jobs until it is resumed',
        description: 'Its jobs go on. Pausing it twice changes nothing.',
        params,
        response: {
          200: ScheduleSchema,
          ...problems('not_found', 'idempotency_conflict', 'invalid_request'),
        },
      },
    },
    (request) => enable(request.params.schedule, () => null),
  );

  app.post(
    '/v1/schedules/:schedule/resume',
    {
      schema: {
        operationId: 'resumeSchedule',
        tags: ['schedules'],
        summary: 'Let a paused schedule go on, from its next time on',
        description:
          'Times that passed while it was paused are not made up for. Resuming it twice changes nothing.',
        params,
        response: {
          200: ScheduleSchema,
          ...problems('not_found', 'idempotency_conflict', 'invalid_request'),
        },
      },
    },
    (request) =>
      enable(request.params.schedule, ({ plan }) => nextTime(plan.cron, plan.timeZone, Date.now())),
  );

  app.post(
    '/v1/schedules/:schedule/run',
    {
      schema: {
        operationId: 'runSchedule',
        tags: ['schedules'],
        summary: "Submit a schedule's job now, besides",
        description:
          'Also while it is paused, and while an earlier job of it runs. Its times stay as they are.',
        params,
        headers: IdempotencyHeaderSchema,
        response: {
          201: JobSchema,
          200: JobSchema.meta({ description: 'This Idempotency-Key was seen before: the first job.' }),
          ...problems('not_found', 'schedule_conflict', 'idempotency_conflict', 'invalid_request'),
        },
      },
    },
    async (request, reply) => {
      const record = await recordOr404(app.context, request.params.schedule);
      const { id, replayed } = await runNow(record, idempotencyOf(request), app.context);
      madeReply(reply, replayed).header('location', `/v1/jobs/${id}`);
      return sendJob(reply, await jobOr404(app.context, id));
    },
  );
};

/** What no schema can say of a time and a place. @param submission whose other fields may be anything */
function whyNever({ cron, timeZone }: { cron: unknown; timeZone?: unknown }) {
  const noCron = typeof cron === 'string' ? whyNoCron(cron) : null;
  const noZone = typeof timeZone === 'string' ? whyNoTimeZone(timeZone) : null;
  return [
    ...(noCron ? [{ field: 'cron', detail: noCron }] : []),
    ...(noZone ? [{ field: 'timeZone', detail: noZone }] : []),
  ];
}

/** The job of a schedule as it would be now. @throws ApiProblem `invalid_request` that names every bad field of the whole body */
async function resolveSchedule(
  submission: ScheduleSubmission,
  context: ApiContext,
  caller: Caller,
): Promise<Omit<NewJob, 'idempotency'>> {
  const errors = whyNever(submission).map(({ field, detail }) => ({ pointer: `#/${field}`, detail }));
  const resolved = await inside('job', resolveSubmission(submission.job, context, caller)).catch(
    (error: unknown) => {
      if (!(error instanceof ApiProblem) || !error.errors) throw error;
      errors.push(...error.errors);
      return null;
    },
  );
  if (errors.length > 0 || !resolved) throw invalidRequest(errors);
  return resolved;
}

/** @throws ApiProblem `schedule_conflict`, `idempotency_conflict`, `not_found` */
async function runNow({ id, plan }: ScheduleRecord, idempotency: NewJob['idempotency'], context: ApiContext) {
  const refused = (why: string) =>
    new ApiProblem('schedule_conflict', `Its job can't be submitted any more: ${why}`);
  const now = Date.now();
  const resolved = await resolveWithCode(JobSubmissionSchema.parse(plan.job), context).catch(
    (error: unknown) => {
      throw error instanceof ApiProblem ? refused(error.message) : error;
    },
  );
  const spec = { ...resolved.spec, schedule: { id, at: new Date(now).toISOString() } };
  try {
    const taken = await context.schedules.runNow(id, now, { ...resolved, spec, idempotency });
    if (taken.replayed) await dropUnusedCode(context, [resolved]);
    return taken;
  } catch (error) {
    await dropUnusedCode(context, [resolved]);
    if (!(error instanceof LedgerRefusal)) throw error;
    if (error.code === 'idempotency_conflict') orIdempotencyConflict(error);
    const [other, state] = error.found;
    if (error.code === 'not_found' && !other) throw noSchedule(id);
    throw refused(`${other}, which it is to start after, ${state ? endedAs(state) : 'is gone'}`);
  }
}

async function recordOr404({ schedules }: ApiContext, id: ScheduleId): Promise<ScheduleRecord> {
  const record = await schedules.record(id);
  if (!record) throw noSchedule(id);
  return record;
}

async function scheduleOr404(context: ApiContext, id: ScheduleId): Promise<Schedule> {
  return scheduleFromRecord(await recordOr404(context, id));
}

function noSchedule(id: ScheduleId): ApiProblem {
  return new ApiProblem('not_found', `There is no schedule ${id}; berth schedule ls lists those there are`);
}

const or404 = (id: ScheduleId) => (error: unknown) => {
  throw error instanceof LedgerRefusal && error.code === 'not_found' ? noSchedule(id) : error;
};
