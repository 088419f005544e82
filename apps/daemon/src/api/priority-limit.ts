import type { Caller } from './caller.js';
import type { ApiContext } from './context.js';

/**
 * Why somebody may not give a priority to jobs of a user's, by the setting `users`; null: they may. Admins may give any.
 * @param caller undefined: Berth itself, for a schedule that was checked when it was made
 */
export function whyNotPriority(
  priority: number | undefined,
  user: string,
  { highestPriority }: ApiContext,
  caller: Caller | undefined,
): string | null {
  if (priority === undefined || !caller || caller.role === 'admin') return null;
  const highest = highestPriority(user);
  if (highest === null || priority <= highest) return null;
  return `asks for priority ${priority}; ${user} may give ${highest} at the most (the daemon's setting \`users\`)`;
}
