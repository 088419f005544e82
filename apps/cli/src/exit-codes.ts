import { constants } from 'node:os';
import { BerthProblem, BerthTimeout, BerthUnreachable } from '@berth/client';
import type { Job } from '@berth/contract';

/** What berth's exit codes mean, apart from those of jobs. */
export const EXIT = {
  ok: 0,
  failure: 1,
  usage: 2,
  notFound: 3,
  refused: 4,
  away: 5,
  timeout: 124,
  /** As a shell says it of a program ended by Ctrl-C. */
  detached: 130,
  /** As a shell says it of a program ended by SIGTERM, which is what cancelling a job sends. */
  cancelled: 143,
} as const;

export const EXIT_CODES_HELP = `Exit codes:
  0    done
  1    berth or berthd made a mistake
  2    wrong usage, or a request with errors
  3    no such job
  4    refused: the job's state, or the token, doesn't allow it
  5    no daemon answers
  124  wait --timeout ran out
  130  you left a job that goes on (Ctrl-C)
  submit --wait, submit --follow and wait exit as the job did: its exit code, 128 + n for signal n,
  143 when it was cancelled, 124 when it ran into its time limit, 127 when it couldn't be started.
  doctor exits with 1 where it finds a problem, export where something can't be read.`;

/** Something that a person can put right, said in one line; berth ends with the exit code. */
export class CliError extends Error {
  override readonly name = 'CliError';
  readonly exitCode: number;

  constructor(exitCode: number, message: string) {
    super(message);
    this.exitCode = exitCode;
  }
}

/** How a program that ends as the job did has to end. */
export function codeOfJob({ state, cause }: Pick<Job, 'state' | 'cause'>): number {
  if (state === 'succeeded') return EXIT.ok;
  if (state === 'cancelled') return EXIT.cancelled;
  if (cause?.code === 'time_limit') return EXIT.timeout;
  if (cause?.code === 'launch_error') return 127;
  if (cause?.signal != null) {
    const number = constants.signals[cause.signal as NodeJS.Signals];
    return number === undefined ? EXIT.failure : 128 + number;
  }
  return cause?.exitCode || EXIT.failure;
}

export function codeOfError(error: unknown): number {
  if (error instanceof CliError) return error.exitCode;
  if (error instanceof BerthUnreachable || error instanceof BerthTimeout) return EXIT.away;
  if (error instanceof BerthProblem) return codeOfProblem(error);
  return EXIT.failure;
}

function codeOfProblem({ code }: BerthProblem): number {
  switch (code) {
    case 'not_found':
      return EXIT.notFound;
    case 'unauthorized':
    case 'forbidden':
    case 'too_many_attempts':
    case 'user_conflict':
    case 'ledger_conflict':
    case 'conflict':
    case 'idempotency_conflict':
      return EXIT.refused;
    case 'ledger_unavailable':
    case 'unknown':
      return EXIT.away;
    case 'internal_error':
    case 'damaged_record':
      return EXIT.failure;
    default:
      return EXIT.usage;
  }
}
