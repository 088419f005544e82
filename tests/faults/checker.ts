import type { Attempt, Job } from '@berth/contract';
import type { PlannedJob } from './load.js';

/** One line of what a job wrote down by itself. */
export interface Note {
  what: 'start' | 'end' | 'overlap';
  attempt: number;
  rank: number;
  pid: number;
  /** Of a start: the devices that it was shown; of an end: the exit code; of an overlap: the device. */
  detail: string;
}

export interface Evidence {
  planned: readonly PlannedJob[];
  /** The ledger's word, by id. */
  ledger: ReadonlyMap<string, Job>;
  /** The jobs' own words, by id. */
  notes: ReadonlyMap<string, readonly Note[]>;
  /** Jobs whose own processes were hit, or their shim. */
  harmed: ReadonlySet<string>;
  /** Whether devices were lost meanwhile. */
  devicesFailed: boolean;
}

/** What must never be: each a sentence. Pure, so that it can be tested by itself. */
export function violations(evidence: Evidence): string[] {
  return [...unknownRuns(evidence), ...evidence.planned.flatMap((job) => violationsOf(job, evidence))];
}

function unknownRuns({ planned, notes }: Evidence): string[] {
  const acknowledged = new Set(planned.map(({ id }) => id));
  return [...notes.keys()]
    .filter((id) => !acknowledged.has(id))
    .map((id) => `${id} ran, and nobody submitted it`);
}

function violationsOf(planned: PlannedJob, evidence: Evidence): string[] {
  const { id } = planned;
  if (id === null) return [`${planned.submission.name} was never acknowledged`];
  const job = evidence.ledger.get(id);
  const notes = evidence.notes.get(id) ?? [];
  if (!job) return [`${id} was acknowledged and is lost`];
  const isHarmed = evidence.harmed.has(id);
  const found = [
    ...startedTwice(notes),
    ...notes
      .filter(({ what }) => what === 'overlap')
      .map(({ detail, attempt }) => `attempt ${attempt} found somebody on its device ${detail}`),
    ...job.attempts.flatMap((attempt) => wrongEnds(attempt, notes, isHarmed)),
    ...wrongOutcome(planned, job, notes, isHarmed, evidence.devicesFailed),
  ];
  return found.map((what) => `${id} (${planned.submission.environment?.FAULTS_DOES}): ${what}`);
}

function startedTwice(notes: readonly Note[]): string[] {
  const seen = new Set<string>();
  return notes
    .filter(({ what }) => what === 'start')
    .flatMap(({ attempt, rank }) => {
      const task = `${attempt}.${rank}`;
      if (!seen.has(task)) {
        seen.add(task);
        return [];
      }
      return [`task ${task} was started twice`];
    });
}

/** The ledger says of each task what the task itself says. */
function wrongEnds(attempt: Attempt, notes: readonly Note[], isHarmed: boolean): string[] {
  return attempt.tasks.flatMap(({ rank, exitCode, startedAt }) => {
    const own = notes.filter((note) => note.attempt === attempt.number && note.rank === rank);
    const end = own.find(({ what }) => what === 'end');
    const name = `task ${attempt.number}.${rank}`;
    if (exitCode === 0 && !end) return [`${name} has exit code 0 in the ledger, but never came to its end`];
    if (own.length > 0 && startedAt === null)
      return [`${name} ran, and the ledger doesn't know that it started`];
    if (!end || isHarmed) return [];
    // A signal may come between its last words and its end.
    const isStopped = attempt.stoppingAt !== null;
    if (exitCode !== Number(end.detail) && !(isStopped && exitCode === null))
      return [`${name} said ${end.detail}, the ledger says ${exitCode}`];
    return [];
  });
}

/** A job that nothing was done to ends as it was meant to; attempts that were never started cost it nothing. */
function wrongOutcome(
  { exits, retries, cancelAfter }: PlannedJob,
  { state, cause, attempts }: Job,
  notes: readonly Note[],
  isHarmed: boolean,
  devicesFailed: boolean,
): string[] {
  if (state === 'cancelled')
    return cancelAfter === null ? ['it was cancelled, and nobody asked for that'] : [];
  if (state !== 'succeeded' && state !== 'failed') return [`it is ${state} in the end`];
  if (isHarmed || (devicesFailed && attempts.some((each) => each.cause?.code === 'device_lost'))) return [];
  const started = ({ number, tasks }: Attempt): boolean[] =>
    tasks.map(({ rank }) => hasStarted(notes, number, rank));
  // Where one rank of several was never started the others' end counts only if it was the job's.
  const meant = attempts
    .filter(
      (each, i) => started(each).every(Boolean) || (i === attempts.length - 1 && started(each).some(Boolean)),
    )
    .map(({ number }) => exits[Math.min(number, exits.length) - 1] as number);
  const last = meant.at(-1);
  const outcome = `${state}, ${cause?.sentence ?? 'without a cause'}`;
  if (last === undefined) return [`it was never started: ${outcome}`];
  if (meant.slice(0, -1).includes(0)) return ['it was started again after it had succeeded'];
  if (meant.length > retries + 1) return [`it was started ${meant.length} times, with ${retries} retries`];
  if (last !== 0 && meant.length <= retries) return [`it has retries left: ${outcome}`];
  const isRight = last === 0 ? state === 'succeeded' : state === 'failed' && cause?.exitCode === last;
  return isRight ? [] : [`its last start was to end with ${last}: ${outcome}`];
}

const hasStarted = (notes: readonly Note[], attempt: number, rank: number): boolean =>
  notes.some((note) => note.what === 'start' && note.attempt === attempt && note.rank === rank);
