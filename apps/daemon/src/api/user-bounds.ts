import { formatDuration } from '@berth/contract';
import type { Caller } from './caller.js';
import type { FieldErrors } from './problem.js';

/** What the setting `users` lets somebody ask for; null: anything. */
export interface UserBounds {
  /** The highest. */
  readonly priority: number | null;
  /** The longest, in seconds; jobs that name none have this one. */
  readonly timeLimit: number | null;
}

export const UNBOUNDED: UserBounds = { priority: null, timeLimit: null };

/** What a job asks for that bounds hold for; undefined: nothing is said, null: no limit. */
interface Asked {
  readonly priority?: number | undefined;
  readonly timeLimit?: number | null | undefined;
}

/**
 * What of it a user may not have. Admins may have all.
 * @param caller undefined: Berth itself, for a schedule that was checked when it was made
 */
export function outOfBounds(
  { priority, timeLimit }: Asked,
  user: string,
  bounds: UserBounds,
  caller: Caller | undefined,
): FieldErrors {
  if (!caller || caller.role === 'admin') return [];
  const errors: FieldErrors = [];
  const refuse = (field: string, asked: string, most: string): void => {
    const detail = `asks for ${asked}; ${user} may have ${most} at the most (the daemon's setting \`users\`)`;
    errors.push({ pointer: `#/${field}`, detail });
  };
  if (priority !== undefined && bounds.priority !== null && priority > bounds.priority)
    refuse('priority', `priority ${priority}`, String(bounds.priority));
  if (timeLimit !== undefined && bounds.timeLimit !== null && (timeLimit ?? Infinity) > bounds.timeLimit)
    refuse(
      'timeLimit',
      timeLimit === null ? 'no time limit' : formatDuration(timeLimit),
      formatDuration(bounds.timeLimit),
    );
  return errors;
}
