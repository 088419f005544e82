/** A job as it was, or might have been, submitted somewhere. Times are whole seconds since the trace began. */
export interface TraceJob {
  /** Its place in the order of submission, from 1. */
  readonly number: number;
  readonly submit: number;
  readonly user: string;
  readonly gpus: number;
  /** How long it runs if nothing ends it. No policy sees this. */
  readonly duration: number;
  /** It is ended after this long; null: it has no time limit. */
  readonly timeLimit: number | null;
  /** Higher goes first. */
  readonly priority: number;
}

/** In the order of submission; equals as given. */
export type Trace = readonly TraceJob[];

/** Something in what a person asked for that they can put right, said in one line. */
export class InputError extends Error {
  override readonly name = 'InputError';
}

/** How long a job holds its devices, in seconds. */
export const runSeconds = ({ duration, timeLimit }: Pick<TraceJob, 'duration' | 'timeLimit'>): number =>
  Math.min(duration, timeLimit ?? duration);

/** Puts jobs in the order of submission and numbers them. */
export function inOrder(jobs: readonly Omit<TraceJob, 'number'>[]): Trace {
  return [...jobs]
    .sort((one, other) => one.submit - other.submit)
    .map((job, index) => ({ number: index + 1, ...job }));
}
