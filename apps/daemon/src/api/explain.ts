import { type Explanation, ExplanationSchema, type Job } from '@berth/contract';
import type { FastifyPluginAsyncZodOpenApi } from 'fastify-zod-openapi';
import { waitingJob } from '../ledger/record.js';
import type { ApiContext } from './context.js';
import { explanationOf } from './explanation.js';
import { endedAs, idOf, JobParametersSchema, jobOr404 } from './jobs.js';
import { problems } from './problem-responses.js';

/** Reasons that have nothing to do with devices. */
const OF_ITS_OWN = ['held', 'dependency', 'start_after', 'backoff'];

/** `GET /v1/jobs/{job}/explain`. */
export const explainRoutes: FastifyPluginAsyncZodOpenApi = async (app) => {
  app.get(
    '/v1/jobs/:job/explain',
    {
      schema: {
        operationId: 'explainJob',
        tags: ['jobs'],
        summary: 'What a job waits for, every device with why not, and when it starts at the latest',
        description:
          'From the very plan that decisions are made of. A job that has started or ended has nothing to explain: `unknownBecause` says so.',
        params: JobParametersSchema,
        response: { 200: ExplanationSchema, ...problems('not_found', 'invalid_request') },
      },
    },
    async (request) => {
      const job = await jobOr404(app.context, await idOf(app.context, request.params.job));
      return explainJob(app.context, job);
    },
  );
};

/** Where a job is that doesn't wait. */
function stateOf({ state, startedAt }: Job): string {
  if (state === 'starting' || state === 'running') return 'it has its devices, and runs';
  if (state === 'stopping') return 'it has its devices, and is being stopped';
  const ended = `it ${endedAs(state)}`;
  return startedAt ? ended : `${ended}, and never started`;
}

async function explainJob(context: ApiContext, job: Job): Promise<Explanation> {
  const base = { job: job.id, number: job.number };
  if (job.state !== 'pending') {
    const unknownBecause = stateOf(job);
    return {
      ...base,
      startsNow: false,
      ahead: null,
      reason: null,
      latestStart: null,
      unknownBecause,
      devices: [],
      sooner: [],
    };
  }
  const record = await context.ledger.record(job.id);
  if (!record) return explainJob(context, { ...job, state: 'cancelled' });
  const { needs, since, avoid, front } = waitingJob(record);
  const pending = {
    id: job.id,
    number: job.number,
    since,
    attempt: job.attempts.length + 1,
    needs,
    avoid,
    front,
  };
  const reason = job.reason && OF_ITS_OWN.includes(job.reason.code) ? job.reason : null;
  const said = await explanationOf(context, pending);
  if (!reason) return { ...base, ...said };
  // What it would be like if it could start at all.
  const unknownBecause = said.unknownBecause ?? reason.sentence;
  return { ...base, ...said, startsNow: false, ahead: null, reason, latestStart: null, unknownBecause };
}
