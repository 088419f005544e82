import type { Attempt, Cause, Job } from '@berth/contract';
import type { Note } from './checker.js';
import type { PlannedJob, Wish } from './planned-job.js';

/** How often a wish may have been carried out. */
const TIMES: Readonly<Record<Wish, { least: number; most: number }>> = {
  none: { least: 0, most: 0 },
  refused: { least: 0, most: 0 },
  unanswered: { least: 0, most: 1 },
  granted: { least: 1, most: 1 },
};

/**
 * A job ends as it was meant to, and runs as often as was asked for: not for attempts that were never started, or given up for others.
 * @param isHarmed whether something was done to it or its device: how it ends then is not what was meant
 */
export function wrongOutcome(
  planned: PlannedJob,
  job: Job,
  notes: readonly Note[],
  isHarmed: boolean,
): string[] {
  const { state, cause, attempts } = job;
  const cancels = TIMES[planned.cancel];
  if (state === 'cancelled') return cancels.most > 0 ? [] : ['it was cancelled, and nobody asked for that'];
  if (state !== 'succeeded' && state !== 'failed') return [`it is ${state} in the end`];
  if (cancels.least > 0) return [`its cancel was acknowledged, and it has ${state}`];
  // Whether that is right its story knows.
  if (cause?.code === 'dependency_failed' && job.after.length > 0) return [];
  if (isHarmed) return [];
  return [...wrongStops(planned, attempts), ...wrongRuns(planned, job, notes)];
}

/** Attempts are ended from outside only if somebody may. */
function wrongStops({ submission, requeue }: PlannedJob, attempts: readonly Attempt[]): string[] {
  const isAllowed: Partial<Record<Cause['code'], boolean>> = {
    user: TIMES[requeue].most > 0,
    preempted: submission.preemptible === true,
    drill: submission.checkpointSignal != null,
  };
  return attempts
    .filter(({ cause }) => cause !== null && isAllowed[cause.code] === false)
    .map(({ number, cause }) => `attempt ${number} was ended, and nobody might: ${cause?.sentence}`);
}

function wrongRuns(
  { exits, retries, requeue }: PlannedJob,
  { state, cause, attempts }: Job,
  notes: readonly Note[],
): string[] {
  const again = TIMES[requeue];
  const isGivenUp = (attempt: Attempt): boolean =>
    ['user', 'preempted', 'drill'].includes(attempt.cause?.code ?? '');
  const started = ({ number, tasks }: Attempt): boolean[] =>
    tasks.map(({ rank }) => hasStarted(notes, number, rank));
  // Where one rank of several was never started the others' end counts only if it was the job's.
  const meant = attempts
    .filter((each) => !isGivenUp(each))
    .filter(
      (each) => started(each).every(Boolean) || (each === attempts.at(-1) && started(each).some(Boolean)),
    )
    .map(({ number }) => exits[Math.min(number, exits.length) - 1] as number);
  const last = meant.at(-1);
  const runs = meant.length + attempts.filter((each) => each.cause?.code === 'user').length;
  const outcome = `${state}, ${cause?.sentence ?? 'without a cause'}`;
  if (last === undefined) return [`it was never started: ${outcome}`];
  if (meant.slice(0, -1).includes(0) && again.most === 0)
    return ['it was started again after it had succeeded'];
  if (runs > retries + 1 + again.most)
    return [`it was started ${runs} times, with ${retries} retries; its requeue: ${requeue}`];
  if (runs < again.least + 1) return [`its requeue was acknowledged, and it was started ${runs} times`];
  if (last !== 0 && meant.length <= retries) return [`it has retries left: ${outcome}`];
  const isRight = last === 0 ? state === 'succeeded' : state === 'failed' && cause?.exitCode === last;
  return isRight ? [] : [`its last start was to end with ${last}: ${outcome}`];
}

const hasStarted = (notes: readonly Note[], attempt: number, rank: number): boolean =>
  notes.some((note) => note.what === 'start' && note.attempt === attempt && note.rank === rank);
