import type { SchedulableDevice } from '@berth/scheduler';
import { BerthPolicy } from './berth-policy.js';
import { FifoPolicy } from './fifo-policy.js';
import { InputError, type TraceJob } from './trace.js';

/** A job that starts now, and on what. */
export interface Start {
  readonly job: TraceJob;
  /** UUIDs. */
  readonly devices: readonly string[];
}

/** Who decides. Told what happens in virtual time, asked who starts. `now` is in seconds since the trace began. */
export interface Policy {
  submitted(job: TraceJob): void;
  ended(job: TraceJob, now: number): void;
  /** Who starts now; the policy takes these as started. */
  decide(now: number): readonly Start[];
}

const POLICIES = {
  /** The one that the daemon runs. */
  berth: (devices: readonly SchedulableDevice[]) => new BerthPolicy(devices),
  /** The same for jobs that are all of one user: what is left is the order of submission, and the reservations. */
  'berth-one-user': (devices: readonly SchedulableDevice[]) => new BerthPolicy(devices, { oneUser: true }),
  /** Strict order with EASY backfill: a reservation for the first in line alone. */
  fifo: (devices: readonly SchedulableDevice[]) => new FifoPolicy(devices, { backfill: true }),
  /** Strict order: nobody passes anybody. */
  'fifo-no-backfill': (devices: readonly SchedulableDevice[]) => new FifoPolicy(devices, { backfill: false }),
} satisfies Record<string, (devices: readonly SchedulableDevice[]) => Policy>;

export type PolicyName = keyof typeof POLICIES;
export const POLICY_NAMES = Object.keys(POLICIES) as PolicyName[];

export const makePolicy = (name: PolicyName, devices: readonly SchedulableDevice[]): Policy =>
  POLICIES[name](devices);

/** @throws InputError when there is no such policy */
export function parsePolicies(text: string): PolicyName[] {
  return text.split(',').map((name) => {
    if (!Object.hasOwn(POLICIES, name))
      throw new InputError(`there is no policy '${name}'; there are ${POLICY_NAMES.join(', ')}`);
    return name as PolicyName;
  });
}
