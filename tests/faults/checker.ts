import type { Attempt, Job } from '@berth/contract';
import { wrongOutcome } from './outcome.js';
import type { PlannedJob } from './planned-job.js';

/** One line of what a job wrote down by itself. */
export interface Note {
  what: 'start' | 'end' | 'overlap';
  attempt: number;
  rank: number;
  pid: number;
  /** Of a start: the devices that it was shown; of an end: the exit code; of an overlap: the device. */
  detail: string;
  /** Seconds since boot. */
  at: number;
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
    ...wrongOutcome(planned, job, notes, isHarmed || (evidence.devicesFailed && hasLostDevice(job))),
  ];
  return found.map((what) => `${id} (${planned.submission.environment?.FAULTS_DOES}): ${what}`);
}

const hasLostDevice = ({ attempts }: Job): boolean =>
  attempts.some(({ cause }) => cause?.code === 'device_lost');

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
    // A signal to save may come between its last words and its end: then it says other ones.
    const end = own.findLast(({ what }) => what === 'end');
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
