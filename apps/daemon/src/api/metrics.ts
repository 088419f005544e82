import { type Job, JobMetricsSchema, type Progress, type Series } from '@berth/contract';
import type { FastifyPluginAsyncZodOpenApi } from 'fastify-zod-openapi';
import { z } from 'zod';
import type { Pace } from '../insight/pace.js';
import type { Training } from '../insight/training.js';
import { idOf, JobParametersSchema, jobOr404 } from './jobs.js';
import { taskOr404 } from './logs.js';
import { problems } from './problem-responses.js';
import { csvOf } from './series-csv.js';
import { momentOf, PAST, StretchSchema, stretchOf } from './stretch.js';

const QuerySchema = StretchSchema.extend({
  rank: z.coerce.number().int().min(0).max(1023).default(0),
  attempt: z.coerce.number().int().min(1).optional().meta({
    description: 'Default: the last one. Devices are told of for the last one alone.',
  }),
  names: z.string().max(2000).optional().meta({
    description: 'Only these series, with commas between them. Default: all.',
    example: 'loss,accuracy',
  }),
  points: z.coerce.number().int().min(1).max(1024).default(500).meta({
    description: 'Of each series, at the most.',
  }),
  format: z.enum(['json', 'csv']).optional().meta({
    description: 'Default: what `Accept` names first, or JSON. `csv` has the series alone.',
  }),
});

/** `GET /v1/jobs/{job}/metrics`. */
export const metricRoutes: FastifyPluginAsyncZodOpenApi = async (app) => {
  app.get(
    '/v1/jobs/:job/metrics',
    {
      config: { withoutLedger: 'current' },
      schema: {
        operationId: 'getJobMetrics',
        tags: ['jobs'],
        summary: 'What a job used of its devices, and how its training goes',
        description:
          `${PAST} Progress and series are read from the output of one rank of an attempt, from its beginning, ` +
          'whatever `until` and `step`; with `since`, of the series only what was said since then (or nobody knows when).',
        params: JobParametersSchema,
        querystring: QuerySchema,
        response: {
          200: {
            description:
              'As JSON; or as CSV with a line for each point of each series: name, axis, x, at, last, min, max, source.',
            content: { 'application/json': { schema: JobMetricsSchema }, 'text/csv': { schema: z.string() } },
          },
          ...problems('not_found', 'invalid_request'),
        },
      },
    },
    async (request, reply) => {
      const job = await jobOr404(app.context, await idOf(app.context, request.params.job));
      const { rank, format, attempt = job.attempts.length } = request.query;
      taskOr404(job, rank, request.query.attempt);
      const used = app.context.histories.ofJob(job.id, stretchOf(request.query));
      const isOver = job.attempts[attempt - 1]?.endedAt !== null;
      const training =
        attempt === 0 ? null : await app.context.insights.of({ job: job.id, attempt, rank }, isOver);
      const series = training ? seriesOf(training, request.query) : [];
      if (format === 'csv' || (!format && /^\s*text\/csv\b/.test(request.headers.accept ?? ''))) {
        return reply
          .header('content-disposition', `attachment; filename="job-${job.number}.csv"`)
          .type('text/csv; charset=utf-8')
          .send(csvOf(series));
      }
      const isLast = attempt === job.attempts.length;
      const progress = training?.progress
        ? withPace(training.progress, training.pace, isLast ? job : null)
        : null;
      const devices = attempt === used.attempt ? used.devices : [];
      const droppedSeries = training?.droppedSeries ?? 0;
      return reply.send({ job: job.id, attempt: attempt || null, progress, series, droppedSeries, devices });
    },
  );
};

/** The series as the API shows them. */
function seriesOf(training: Training, { names, points, since }: z.infer<typeof QuerySchema>): Series[] {
  const begin = since === undefined ? 0 : momentOf(since, Date.now());
  return training.series(names?.split(',') ?? null, points, begin).map((series) => ({
    ...series,
    points: series.points.map(({ at, ...point }) => ({
      ...point,
      at: at === null ? null : new Date(at).toISOString(),
    })),
  }));
}

/**
 * How long a training takes yet, by how long it took so far, where the program doesn't say.
 * @param job whose last attempt it is; null: it is of an earlier one
 */
function withPace(progress: Progress, pace: Pace, job: Job | null): Progress {
  const startedAt = job?.attempts.at(-1)?.startedAt;
  if (progress.etaSeconds !== null || !startedAt || job?.state !== 'running') return progress;
  const left = pace.secondsLeft(Date.parse(startedAt), Date.now());
  return { ...progress, etaSeconds: left === null ? null : Math.round(left) };
}
