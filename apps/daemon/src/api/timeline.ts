import { type PlannedStay, type Stay, type Timeline, TimelineSchema } from '@berth/contract';
import { forecast } from '@berth/scheduler';
import type { FastifyPluginAsyncZodOpenApi } from 'fastify-zod-openapi';
import { z } from 'zod';
import { sightOf } from './access.js';
import type { ApiContext } from './context.js';
import { timelineSeenBy } from './others-jobs.js';
import { problems } from './problem-responses.js';
import { SharedAnswers } from './shared-answers.js';
import { StretchSchema, stretchOf } from './stretch.js';

const MOST_PLANNED = 100;
/** How long one answer is given again: what it tells is as old at the most. */
const ANSWER_LASTS_MS = 300;

const QuerySchema = z.strictObject({
  ...StretchSchema.pick({ since: true, until: true }).shape,
  limit: z.coerce.number().int().min(1).max(2000).default(500).meta({
    description: 'The most stays that are over; the last ones are shown.',
    example: 500,
  }),
});

/** `GET /v1/timeline`. */
export const timelineRoutes: FastifyPluginAsyncZodOpenApi = async (app) => {
  const timelines = new SharedAnswers<Timeline>(ANSWER_LASTS_MS);
  const texts = new SharedAnswers<string>(ANSWER_LASTS_MS);
  app.get(
    '/v1/timeline',
    {
      schema: {
        operationId: 'getTimeline',
        tags: ['devices'],
        summary: 'Which jobs had which devices, have them, and are planned to get them',
        description:
          'The past is as long as jobs are kept. What is planned is of this moment, by the rules that decisions are made by: it changes ' +
          'with every job that comes, or ends before its time limit. Where `until` is past, nothing is planned.',
        querystring: QuerySchema,
        response: { 200: TimelineSchema, ...problems('invalid_request') },
      },
    },
    async (request, reply) => {
      const { context } = app;
      const sight = sightOf(request);
      const question = JSON.stringify(request.query);
      // Made once for all who poll the same; the types have checked what a serialiser would.
      const json = await texts.of(`${sight?.name ?? ''} ${question}`, async () => {
        const timeline = await timelines.of(question, () => timelineOf(context, request.query));
        return JSON.stringify(sight ? timelineSeenBy(sight, timeline) : timeline);
      });
      return reply.header('content-type', 'application/json; charset=utf-8').send(json as never);
    },
  );
};

async function timelineOf(
  context: ApiContext,
  { limit, ...asked }: z.infer<typeof QuerySchema>,
): Promise<Timeline> {
  const now = Date.now();
  const { since, until } = stretchOf(asked);
  const end = Math.min(until, now);
  // Counted when the plan is made: both are of one moment.
  const waiting = context.scheduling.state().pending.size;
  const [{ stays, complete }, planned] = await Promise.all([
    pastOf(context, since, end, limit),
    end < now ? [] : plannedOf(context, now),
  ]);
  return { since: time(complete), until: time(end), stays, planned, waiting };
}

/** Who had devices in a stretch of time, which may reach to now; and from when on nothing of it is missing. */
async function pastOf(
  { ledger, scheduling }: ApiContext,
  since: number,
  end: number,
  limit: number,
): Promise<{ stays: Stay[]; complete: number }> {
  const { allocations } = scheduling.state();
  const [ended, spanning] = await Promise.all([
    ledger.stays.ended(since, end, limit + 1),
    ledger.stays.spanning(end),
  ]);
  const shown = [...(spanning ?? []), ...ended.slice(0, limit)];
  const over = new Set(shown.map(({ job, attempt }) => `${job} ${attempt}`));
  const current = [...allocations.values()].filter(({ job, attempt }) => !over.has(`${job} ${attempt}`));
  const read = await ledger.stays.read([...current, ...shown].map(({ job, attempt }) => ({ job, attempt })));
  const stays = read
    .filter(({ from }) => from <= end)
    .map(({ from, until, ...stay }): Stay => {
      const endsAt = allocations.get(stay.job)?.endsAt;
      return {
        ...stay,
        from: time(from),
        until: until === null ? null : time(until),
        latestEnd: until === null && endsAt ? time(endsAt) : null,
      };
    });
  if (spanning === null) return { stays, complete: end };
  const complete = ended.length > limit ? (read.at(-1)?.until ?? since) : since;
  return { stays, complete };
}

async function plannedOf({ ledger, scheduling }: ApiContext, now: number): Promise<PlannedStay[]> {
  const planned = forecast(scheduling.state(), now, MOST_PLANNED);
  const names = await ledger.stays.names(planned.map(({ job }) => job));
  return planned.flatMap(({ from, until, devices, ...stay }, i) => {
    const name = names[i];
    return name == null ? [] : { ...stay, name, devices: [...devices], from: time(from), until: time(until) };
  });
}

const time = (at: number): string => new Date(at).toISOString();
