/** What a user may have, and how much of all there is counts as theirs. */
export interface UserPolicy {
  /** How much they may use in relation to others. */
  readonly weight: number;
  /** How many devices at a time; null: as many as there are. */
  readonly gpus: number | null;
  /** How many jobs may run at a time; null: any number. */
  readonly runningJobs: number | null;
}

/** What a lab has decided. */
export interface Policy {
  /** How long a job without a time limit is planned to run. It is never ended for that. */
  readonly plannedSeconds: number;
  /** After this long, what a user has used counts for half. */
  readonly halfLifeSeconds: number;
  /** How much of a start those have who have used nothing over those who have used much; 0: fair share is off. */
  readonly reachSeconds: number;
  /** By user; `*` is for all who aren't named. */
  readonly users: Readonly<Record<string, UserPolicy>>;
}

const ANYBODY: UserPolicy = { weight: 1, gpus: null, runningJobs: null };

export const DEFAULT_POLICY: Policy = {
  // A day: longer than most jobs, shorter than a forgotten one.
  plannedSeconds: 86_400,
  halfLifeSeconds: 7 * 86_400,
  reachSeconds: 86_400,
  users: {},
};

export const policyOf = ({ users }: Policy, user: string): UserPolicy => saidOf(users, user) ?? ANYBODY;

/** What is said of a user by name, or else of all who aren't named (`*`). */
export function saidOf<T>(users: Readonly<Record<string, T>>, user: string): T | undefined {
  // What people are called is not to be found on an object's prototype.
  return Object.hasOwn(users, user) ? users[user] : users['*'];
}
