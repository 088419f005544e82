import type { Run } from './replay.js';

/** Of many values. */
export interface Spread {
  readonly mean: number;
  readonly median: number;
  readonly p90: number;
  readonly p99: number;
  readonly largest: number;
}

/** Jobs that ask for about as many devices. */
export interface SizeReport {
  readonly gpus: string;
  readonly jobs: number;
  readonly waitSeconds: Spread;
}

/** The jobs of some users. */
export interface UsersReport {
  readonly users: number;
  readonly jobs: number;
  readonly waitSeconds: Spread;
}

/** How a policy did. */
export interface Report {
  readonly jobs: number;
  /** From submission to start. */
  readonly waitSeconds: Spread;
  /** (wait + run) / max(run, 10 s), at least 1 (Feitelson et al., "Theory and Practice in Parallel Job Scheduling", 1997). */
  readonly boundedSlowdown: Spread;
  readonly bySize: readonly SizeReport[];
  /** The twentieth of the users that asks for most GPU time, and the rest of them; null: there is no rest. */
  readonly byUsers: { readonly busiest: UsersReport; readonly others: UsersReport } | null;
  /** Share of the devices' time that jobs held, from the first submission to the last. */
  readonly utilisation: number | null;
  /** From the first submission until the last job has ended. */
  readonly makespanSeconds: number;
  /** Jain's index (1984): 1 where all users are treated alike, 1/n where one has all. */
  readonly fairness: {
    /** Over users' mean bounded slowdowns. */
    readonly slowdown: number;
    /** Over users' GPU time got by the last submission, as shares of what they asked for by then. */
    readonly share: number;
  };
  /** The longest that a job of four devices or more has waited; null: there was none. */
  readonly largestWaitOfLargeSeconds: number | null;
}

const SLOWDOWN_BOUND_SECONDS = 10;
const LARGE = 4;
const BUSIEST = 0.05;
const SIZES: readonly [name: string, least: number, most: number][] = [
  ['1', 1, 1],
  ['2 to 3', 2, 3],
  ['4 to 7', 4, 7],
  ['8 or more', 8, Number.POSITIVE_INFINITY],
];

/** @param runs at least one */
export function reportOn(runs: readonly Run[], devices: number): Report {
  const first = least(runs.map(({ job }) => job.submit));
  const last = most(runs.map(({ job }) => job.submit));
  const users = byUser(runs);
  const large = runs.filter(({ job }) => job.gpus >= LARGE);
  return {
    jobs: runs.length,
    waitSeconds: spread(runs.map(waitOf)),
    boundedSlowdown: spread(runs.map(slowdownOf)),
    bySize: SIZES.flatMap(([gpus, from, to]) => {
      const some = runs.filter(({ job }) => job.gpus >= from && job.gpus <= to);
      return some.length > 0 ? [{ gpus, jobs: some.length, waitSeconds: spread(some.map(waitOf)) }] : [];
    }),
    byUsers: byUsersOf(users),
    utilisation:
      last > first ? sum(runs.map((run) => heldUntil(run, last))) / (devices * (last - first)) : null,
    makespanSeconds: most(runs.map(({ end }) => end)) - first,
    fairness: fairnessOf(users, last),
    largestWaitOfLargeSeconds: large.length > 0 ? most(large.map(waitOf)) : null,
  };
}

/** Each user's jobs, of who asks for most first. */
function byUser(runs: readonly Run[]): Run[][] {
  const users = new Map<string, Run[]>();
  for (const run of runs) {
    const own = users.get(run.job.user);
    if (own) own.push(run);
    else users.set(run.job.user, [run]);
  }
  return [...users.values()].sort((one, other) => demandOf(other) - demandOf(one));
}

function byUsersOf(users: readonly Run[][]): Report['byUsers'] {
  const busiest = Math.ceil(BUSIEST * users.length);
  if (busiest === users.length) return null;
  const report = (some: readonly Run[][]): UsersReport => {
    const runs = some.flat();
    return { users: some.length, jobs: runs.length, waitSeconds: spread(runs.map(waitOf)) };
  };
  return { busiest: report(users.slice(0, busiest)), others: report(users.slice(busiest)) };
}

function fairnessOf(users: readonly Run[][], last: number): Report['fairness'] {
  return {
    slowdown: jain(users.map((own) => sum(own.map(slowdownOf)) / own.length)),
    share: jain(users.map((own) => sum(own.map((run) => heldUntil(run, last))) / demandOf(own))),
  };
}

/** (Σx)² / (n·Σx²) */
export function jain(values: readonly number[]): number {
  const squares = sum(values.map((value) => value ** 2));
  return squares === 0 ? 1 : sum(values) ** 2 / (values.length * squares);
}

/** @param values at least one */
export function spread(values: readonly number[]): Spread {
  const sorted = Float64Array.from(values).sort();
  const rank = (share: number) => sorted[Math.ceil(share * sorted.length) - 1] as number;
  return {
    mean: sum(values) / values.length,
    median: rank(0.5),
    p90: rank(0.9),
    p99: rank(0.99),
    largest: sorted.at(-1) as number,
  };
}

const waitOf = ({ job, start }: Run): number => start - job.submit;

const slowdownOf = ({ job, start, end }: Run): number =>
  Math.max(1, (end - job.submit) / Math.max(end - start, SLOWDOWN_BOUND_SECONDS));

/** GPU-seconds that a job has held by then. */
const heldUntil = ({ job, start, end }: Run, time: number): number =>
  job.gpus * Math.max(0, Math.min(end, time) - start);

const demandOf = (runs: readonly Run[]): number =>
  sum(runs.map((run) => heldUntil(run, Number.POSITIVE_INFINITY)));

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
const most = (values: readonly number[]): number => values.reduce((one, other) => Math.max(one, other));
const least = (values: readonly number[]): number => values.reduce((one, other) => Math.min(one, other));
