import { type Job, JobMetricsSchema, type Progress } from '@berth/contract';
import type { FastifyPluginAsyncZodOpenApi } from 'fastify-zod-openapi';
import { z } from 'zod';
import type { Pace } from '../insight/pace.js';
import { idOf, JobParametersSchema, jobOr404 } from './jobs.js';
import { problems } from './problem-responses.js';
import { PAST, StretchSchema, stretchOf } from './stretch.js';

const QuerySchema = StretchSchema.extend({
  rank: z.coerce.number().int().min(0).max(1023).default(0),
  names: z.string().max(2000).optional().meta({
    description: 'Only these series, with commas between them. Default: all.',
    example: 'loss,accuracy',
  }),
  points: z.coerce.number().int().min(1).max(1024).default(500).meta({
    description: 'Of each series, at the most.',
  }),
});

/** `GET /v1/jobs/{job}/metrics`. */
export const metricRoutes: FastifyPluginAsyncZodOpenApi = async (app) => {
  app.get(
    '/v1/jobs/:job/metrics',
    {
      schema: {
        operationId: 'getJobMetrics',
        tags: ['jobs'],
        summary: 'What a job used of its devices, and how its training goes',
        description:
          `${PAST} Progress and series are read from the output of one rank of the last attempt, from its beginning, ` +
          'whatever the stretch.',
        params: JobParametersSchema,
        querystring: QuerySchema,
        response: { 200: JobMetricsSchema, ...problems('not_found', 'invalid_request') },
      },
    },
    async (request) => {
      const job = await jobOr404(app.context, await idOf(app.context, request.params.job));
      const { rank, names, points } = request.query;
      const used = app.context.histories.ofJob(job.id, stretchOf(request.query));
      const attempt = job.attempts.length;
      if (attempt === 0) return { ...used, progress: null, series: [] };
      const isOver = job.attempts.at(-1)?.endedAt !== null;
      const training = await app.context.insights.of({ job: job.id, attempt, rank }, isOver);
      const { progress, series } = training.read(names?.split(',') ?? null, points);
      return { ...used, attempt, progress: progress && withPace(progress, training.pace, job), series };
    },
  );
};

/** How long a training takes yet, by how long it took so far, where the program doesn't say. */
function withPace(progress: Progress, pace: Pace, { state, attempts }: Job): Progress {
  const startedAt = attempts.at(-1)?.startedAt;
  if (progress.etaSeconds !== null || !startedAt || state !== 'running') return progress;
  const left = pace.secondsLeft(Date.parse(startedAt), Date.now());
  return { ...progress, etaSeconds: left === null ? null : Math.round(left) };
}
