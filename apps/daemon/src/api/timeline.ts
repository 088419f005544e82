import { type PlannedStay, type Stay, type Timeline, TimelineSchema } from '@berth/contract';
import { forecast } from '@berth/scheduler';
import type { FastifyPluginAsyncZodOpenApi } from 'fastify-zod-openapi';
import { z } from 'zod';
import type { ApiContext } from './context.js';
import { problems } from './problem-responses.js';
import { SharedAnswers } from './shared-answers.js';
import { MomentSchema, momentOf } from './stretch.js';

const MOST_PLANNED = 100;
/** How long one answer is given again: what it tells is as old at the most. */
const ANSWER_LASTS_MS = 300;

const QuerySchema = z.strictObject({
  since: MomentSchema.default(3600).meta({
    description: 'A time (RFC 3339), or how long ago, such as "6h". Default: an hour ago.',
    examples: ['6h', '2026-11-21T02:00:00Z'],
  }),
  limit: z.coerce.number().int().min(1).max(2000).default(500).meta({
    description: 'The most stays that are over; the last ones are shown.',
    example: 500,
  }),
});

/** `GET /v1/timeline`. */
export const timelineRoutes: FastifyPluginAsyncZodOpenApi = async (app) => {
  const answers = new SharedAnswers(ANSWER_LASTS_MS);
  app.get(
    '/v1/timeline',
    {
      schema: {
        operationId: 'getTimeline',
        tags: ['devices'],
        summary: 'Which jobs had which devices, have them, and are planned to get them',
        description:
          'The past is as long as jobs are kept. What is planned is of this moment, by the rules that decisions are made by: it changes ' +
          'with every job that comes, or ends before its time limit.',
        querystring: QuerySchema,
        response: { 200: TimelineSchema, ...problems('invalid_request') },
      },
    },
    async (request, reply) => {
      // Made once for all who poll the same; the types have checked what a serialiser would.
      const json = await answers.of(JSON.stringify(request.query), async () =>
        JSON.stringify(await timelineOf(app.context, request.query)),
      );
      return reply.header('content-type', 'application/json; charset=utf-8').send(json as never);
    },
  );
};

async function timelineOf(
  context: ApiContext,
  { since, limit }: z.infer<typeof QuerySchema>,
): Promise<Timeline> {
  const now = Date.now();
  const [{ stays, complete }, planned] = await Promise.all([
    pastOf(context, momentOf(since, now), limit),
    plannedOf(context, now),
  ]);
  const waiting = context.scheduling.state().pending.size;
  return { since: time(complete), until: time(now), stays, planned, waiting };
}

/** Who has devices, and who had them. */
async function pastOf(
  { ledger, scheduling }: ApiContext,
  since: number,
  limit: number,
): Promise<{ stays: Stay[]; complete: number }> {
  const { allocations } = scheduling.state();
  const ended = await ledger.stays.ended(since, limit + 1);
  const shown = ended.slice(0, limit);
  const over = new Set(shown.map(({ job, attempt }) => `${job} ${attempt}`));
  const current = [...allocations.values()].filter(({ job, attempt }) => !over.has(`${job} ${attempt}`));
  const read = await ledger.stays.read([...current, ...shown].map(({ job, attempt }) => ({ job, attempt })));
  const stays = read.map(({ from, until, ...stay }): Stay => {
    const endsAt = allocations.get(stay.job)?.endsAt;
    return {
      ...stay,
      from: time(from),
      until: until === null ? null : time(until),
      latestEnd: until === null && endsAt ? time(endsAt) : null,
    };
  });
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
