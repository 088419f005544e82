import { EventSchema, EventTypeSchema, type JobId, JobReferenceSchema, UserSchema } from '@berth/contract';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { FastifyPluginAsyncZodOpenApi } from 'fastify-zod-openapi';
import { z } from 'zod';
import { maySee, sightOf } from './access.js';
import { callerOf } from './caller.js';
import type { EventFilter } from './event-stream.js';
import { idOf, JobParametersSchema, jobOr404 } from './jobs.js';
import { ApiProblem } from './problem.js';
import { problems } from './problem-responses.js';
import { severalOf } from './several.js';

const EventIdSchema = z.string().regex(/^\d{1,15}(-\d{1,15})?$/, 'is no id of an event');
const TypesSchema = severalOf(EventTypeSchema, { commas: true }).meta({
  description: 'Any of these: repeated, or separated by commas.',
  example: ['job.ended'],
});
const AfterSchema = EventIdSchema.optional().meta({
  description:
    'As `Last-Event-ID`, for who cannot send that; `0`: from the first event that is kept. The header goes before it.',
});
const HeaderSchema = z.object({
  'last-event-id': EventIdSchema.optional().meta({
    description: 'Goes on after this event; browsers send it by themselves. Default: what comes from now on.',
  }),
});

const STREAM =
  'Server-sent events: `event` is the type, `id` the place in the stream, `data` an Event. Who sends the last id again misses nothing ' +
  'as long as the stream keeps it (the last 100,000 events); where it does not, an event `gap` says so before the others, with `data` {`after`: the id that was sent, `next`: the first id that is there, or null}: read anew what ' +
  'you show. A comment every 15 s says that the daemon is there. Who takes nothing for 20 s is cut off, and may come back.';

const streamed = () => ({
  200: {
    description: 'The events. This is the schema of `data`, but of `gap`.',
    content: { 'text/event-stream': { schema: EventSchema } },
  },
});

/** @throws ApiProblem `not_found`, also for what who asks shall not see */
async function visibleIdOf(request: FastifyRequest, reference: string): Promise<JobId> {
  const { context } = request.server;
  const id = await idOf(context, reference);
  const owner = await context.ledger.owner(id);
  if (owner !== null && maySee(context, callerOf(request), owner)) return id;
  throw new ApiProblem('not_found', `There is no job ${reference}; berth ls -a lists those there are`);
}

/** `GET /v1/events`, `GET /v1/jobs/{job}/events`. */
export const eventRoutes: FastifyPluginAsyncZodOpenApi = async (app) => {
  const { events, followers } = app.context;

  const send = async (
    request: FastifyRequest,
    reply: FastifyReply,
    wanted: Omit<EventFilter, 'viewer'>,
    after: string | undefined,
  ): Promise<FastifyReply> => {
    const caller = callerOf(request);
    const viewer = sightOf(request)?.name ?? null;
    const leave = followers.enter(reply, caller);
    try {
      await events.follow({ ...wanted, viewer }, after ?? null, reply);
    } catch (error) {
      // Once it has begun there is nobody to tell but the client, by the end of the connection.
      if (!reply.sent) throw error;
      request.log.warn({ error: (error as Error).message }, 'a stream of events broke off');
    } finally {
      leave();
    }
    return reply;
  };

  app.get(
    '/v1/events',
    {
      exposeHeadRoute: false,
      schema: {
        operationId: 'followEvents',
        tags: ['events'],
        summary: 'Everything that happens, as it happens',
        description: STREAM,
        headers: HeaderSchema,
        querystring: z.strictObject({
          job: severalOf(JobReferenceSchema, { commas: true }).meta({
            description: 'Of these jobs.',
            example: ['42'],
          }),
          type: TypesSchema,
          user: severalOf(UserSchema, { commas: true }).meta({
            description: "Of these users' jobs.",
            example: ['ada'],
          }),
          after: AfterSchema,
        }),
        response: { ...streamed(), ...problems('not_found', 'invalid_request', 'too_many_followers') },
      },
    },
    async (request, reply) => {
      const { job, type, user, after } = request.query;
      const jobs = job && (await Promise.all(job.map((reference) => visibleIdOf(request, reference))));
      const filter = { jobs: setOrNull(jobs), types: setOrNull(type), users: setOrNull(user) };
      return send(request, reply, filter, request.headers['last-event-id'] ?? after) as never;
    },
  );

  app.get(
    '/v1/jobs/:job/events',
    {
      exposeHeadRoute: false,
      schema: {
        operationId: 'followJobEvents',
        tags: ['events'],
        summary: 'What happens to a job, as it happens',
        description: `${STREAM} It does not end with the job, for that may be requeued.`,
        params: JobParametersSchema,
        headers: HeaderSchema,
        querystring: z.strictObject({ type: TypesSchema, after: AfterSchema }),
        response: { ...streamed(), ...problems('not_found', 'invalid_request', 'too_many_followers') },
      },
    },
    async (request, reply) => {
      const { id } = await jobOr404(app.context, await idOf(app.context, request.params.job));
      const { type, after } = request.query;
      const filter = { jobs: new Set([id]), types: setOrNull(type), users: null };
      return send(request, reply, filter, request.headers['last-event-id'] ?? after) as never;
    },
  );
};

function setOrNull<Value>(values: readonly Value[] | undefined): ReadonlySet<Value> | null {
  return values === undefined ? null : new Set(values);
}
