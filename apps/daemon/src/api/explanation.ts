import type { Explanation } from '@berth/contract';
import { explain, type PendingJob } from '@berth/scheduler';
import type { NewJob } from '../ledger/submission.js';
import type { ApiContext } from './context.js';

/** What would become of a job if it were submitted now. */
export async function explainSubmission(
  context: ApiContext,
  job: Omit<NewJob, 'idempotency'>,
): Promise<Explanation> {
  const hypothetical = {
    id: job.id,
    number: Number.MAX_SAFE_INTEGER,
    since: Date.now(),
    attempt: 1,
    needs: job.needs,
  };
  return { job: null, number: null, ...(await explanationOf(context, hypothetical)) };
}

/** Where a job stands among those that wait now, by the rules that they are placed by. */
export async function explanationOf(
  { scheduling }: ApiContext,
  job: PendingJob,
): Promise<Omit<Explanation, 'job' | 'number'>> {
  const said = explain(scheduling.state(), job, Date.now());
  const { ahead, startsNow, verdicts, latestStart, unknownBecause, sooner } = said;
  return {
    startsNow,
    ahead,
    reason: null,
    latestStart: latestStart === null ? null : new Date(latestStart).toISOString(),
    unknownBecause,
    devices: verdicts.map(({ device: { uuid, index, node }, verdict, why }) => ({
      uuid,
      index,
      node,
      verdict,
      why,
    })),
    sooner: [...sooner],
  };
}
