import { type Drill, DrillSchema, type JobId } from '@berth/contract';
import type { FastifyPluginAsyncZodOpenApi } from 'fastify-zod-openapi';
import { drillEnd, drillFromRecord } from '../ledger/drill-view.js';
import type { JobRecord } from '../ledger/record.js';
import { LedgerRefusal } from '../ledger/refusal.js';
import type { ApiContext } from './context.js';
import { IdempotencyHeaderSchema, idempotencyOf, orIdempotencyConflict } from './idempotency.js';
import { idOf, JobParametersSchema, jobOr404, standing } from './jobs.js';
import { ApiProblem } from './problem.js';
import { problems } from './problem-responses.js';

/** Clients give up on an answer after some minutes; asking again joins the drill. */
const LONGEST_WAIT_MS = 240_000;

/** `POST /v1/jobs/{job}/drill`. */
export const drillRoutes: FastifyPluginAsyncZodOpenApi = async (app) => {
  app.post(
    '/v1/jobs/:job/drill',
    {
      schema: {
        operationId: 'drillJob',
        tags: ['jobs'],
        summary: 'Try out whether a running job saves its work',
        description:
          'Sends its checkpointSignal to every process, as a preemption would, and waits for a checkpoint or its end, up to its ' +
          'grace period (4 minutes at most; then ask again to join). A job that ends within the grace period is run again, as a ' +
          'preempted one: its cause says `drill`.',
        params: JobParametersSchema,
        headers: IdempotencyHeaderSchema,
        response: {
          200: DrillSchema,
          ...problems('not_found', 'conflict', 'idempotency_conflict', 'invalid_request'),
        },
      },
    },
    async (request) => {
      const id = await idOf(app.context, request.params.job);
      try {
        const { attempt, at } = await app.context.ledger
          .drill(id, idempotencyOf(request))
          .catch(orIdempotencyConflict);
        return await outcome(app.context, id, attempt, at);
      } catch (error) {
        if (!(error instanceof LedgerRefusal)) throw error;
        throw await conflict(app.context, id, error);
      }
    },
  );
};

async function conflict(context: ApiContext, id: JobId, { code }: LedgerRefusal): Promise<ApiProblem> {
  const { number, state } = await jobOr404(context, id);
  const detail =
    code === 'no_checkpoint_signal'
      ? `Job ${number} knows no signal to save its work by; submit it with preemptible: true or a checkpointSignal`
      : `Job ${number} ${standing(state)}; only a running job can be drilled`;
  return new ApiProblem('conflict', detail);
}

/** What the drill found out, as soon as every rank has been heard of; or what is known when the waiting is over. */
function outcome({ ledger, watch }: ApiContext, id: JobId, attempt: number, at: number): Promise<Drill> {
  return new Promise((resolve, reject) => {
    let timer: NodeJS.Timeout | undefined;
    const finish = (end: () => void): void => {
      clearTimeout(timer);
      stopWatching();
      end();
    };
    const look = async (isLast: boolean): Promise<void> => {
      try {
        const record = (await ledger.record(id)) as JobRecord;
        const drill = drillFromRecord(record, attempt, at, Date.now());
        if (drill.finished || isLast) finish(() => resolve(drill));
        else timer ??= setTimeout(() => void look(true), patience(record, at));
      } catch (error) {
        finish(() => reject(error as Error));
      }
    };
    const stopWatching = watch.onChange(id, () => void look(false));
    void look(false);
  });
}

/** Until a moment after the drill's end, for timers may be early. */
function patience(record: JobRecord, at: number): number {
  return Math.min(LONGEST_WAIT_MS, drillEnd(record, at) - Date.now() + 50);
}
