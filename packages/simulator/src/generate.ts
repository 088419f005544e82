import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64';
import { mersenne } from 'pure-rand/generator/mersenne';
import { InputError, inOrder, type Trace } from './trace.js';

/**
 * A trace with the shape of what labs run, and where each figure comes from.
 *
 * - Durations are lognormal: a median of 206 s and a mean of 6,652 s over the 1,580,464 GPU jobs of Helios (Hu et al.,
 *   "Characterization and Prediction of Deep Learning Workloads in Large-Scale GPU Datacenters", SC 2021; figures in the
 *   summary of its artifact) give σ = √(2 ln(mean / median)) = 2.64. All are then scaled by one factor, so that the trace loads the
 *   cluster as asked: the shape is Helios', the length isn't.
 * - Devices per job: 70 % one, 10 % two, 15 % four, 5 % eight, as Gavel draws them from the Philly trace (Narayanan et al.,
 *   OSDI 2020; Jeon et al., "Analysis of Large-Scale Multi-Tenant GPU Clusters for DNN Training Workloads", USENIX ATC 2019).
 * - Arrivals follow the hour and the day of the week, as Helios and Alibaba PAI (Weng et al., "MLaaS in the Wild", NSDI 2022) plot
 *   them; the factors are ours.
 * - A few users submit most jobs, as both papers say; Zipf's law with this exponent is ours: three of 60 submit half.
 * - Time limits: the used share of a limit is spread evenly (Mu'alem and Feitelson, "Utilization, Predictability, Workloads, and
 *   User Runtime Estimates in Scheduling the IBM SP2 with Backfilling", IEEE TPDS 12(6), 2001), and about 20 round values
 *   stand on 90 % of all jobs (Tsafrir, "Using Inaccurate Estimates Accurately", JSSPP 2010). How many have none is asked for.
 */
export const SHAPE = {
  sigma: Math.sqrt(2 * Math.log(6651.681 / 206)),
  sizes: [
    [1, 0.7],
    [2, 0.1],
    [4, 0.15],
    [8, 0.05],
  ],
  /** From midnight on. */
  hours: [4, 4, 4, 4, 4, 4, 4, 4, 7, 10, 10, 10, 8, 10, 10, 10, 10, 10, 8, 8, 8, 8, 8, 6],
  /** From Monday on. */
  days: [1, 1, 1, 1, 1, 0.6, 0.6],
  users: 60,
  zipfExponent: 1.2,
  limitMinutes: [5, 10, 15, 30, 60, 120, 180, 240, 360, 480, 720, 1080, 1440, 2880, 4320, 5760, 7200, 10_080],
  longestSeconds: 7 * 86_400,
} as const satisfies Record<string, unknown>;

const HOUR = 3600;

export interface Wishes {
  readonly seed: number;
  readonly jobs: number;
  readonly days: number;
  /** Demand in GPU-seconds as a share of what the cluster has in those days. */
  readonly load: number;
  /** The share of jobs without a time limit. */
  readonly unlimited: number;
  readonly devices: number;
  /** No job asks for more. */
  readonly mostGpus: number;
}

/**
 * Makes a trace; equal wishes make equal traces.
 * @throws InputError when so few jobs can't make such a load
 */
export function generate(wishes: Wishes): Trace {
  const generator = mersenne(wishes.seed);
  const random = () => uniformFloat64(generator);
  const arrival = weighted(hourWeights(wishes.days));
  const user = weighted(Array.from({ length: SHAPE.users }, (_, i) => (i + 1) ** -SHAPE.zipfExponent));
  const size = weighted(SHAPE.sizes.map(([, share]) => share));
  const drafts = Array.from({ length: wishes.jobs }, () => ({
    submit: Math.floor((arrival(random()) + random()) * HOUR),
    user: `u${String(user(random()) + 1).padStart(2, '0')}`,
    gpus: Math.min((SHAPE.sizes[size(random())] as readonly [number, number])[0], wishes.mostGpus),
    length: Math.exp(SHAPE.sigma * normal(random(), random())),
    usedShare: random(),
    unlimited: random() < wishes.unlimited,
  }));
  const factor = factorFor(drafts, wishes);
  return inOrder(
    drafts.map(({ submit, user, gpus, length, usedShare, unlimited }) => {
      const duration = seconds(length * factor);
      const timeLimit = unlimited ? null : limitFor(duration, usedShare);
      return { submit, user, gpus, duration, timeLimit, priority: 0 };
    }),
  );
}

const seconds = (length: number): number => Math.max(1, Math.min(Math.round(length), SHAPE.longestSeconds));

/** By what to multiply the lengths, so that together they are the load that was asked for. */
function factorFor(drafts: readonly { gpus: number; length: number }[], wishes: Wishes): number {
  const wanted = wishes.load * wishes.devices * wishes.days * 86_400;
  const demand = (factor: number) =>
    drafts.reduce((sum, { gpus, length }) => sum + gpus * seconds(length * factor), 0);
  let [low, high] = [0, 1];
  while (demand(high) < wanted) {
    high *= 2;
    if (high > SHAPE.longestSeconds ** 2)
      throw new InputError(
        `${wishes.jobs} jobs can't load ${wishes.devices} devices for ${wishes.days} days by ${wishes.load}: ` +
          'no job is longer than a week; ask for more jobs or less load',
      );
  }
  if (demand(low) > wanted)
    throw new InputError(
      `${wishes.jobs} jobs are too many for a load of ${wishes.load}: each runs for a second at least`,
    );
  for (let i = 0; i < 50; i += 1) {
    const middle = (low + high) / 2;
    if (demand(middle) < wanted) low = middle;
    else high = middle;
  }
  return high;
}

/** The round value that somebody writes down who uses this share of it. */
function limitFor(duration: number, usedShare: number): number {
  const guess = duration / Math.max(usedShare, Number.EPSILON);
  const minutes = SHAPE.limitMinutes.find((limit) => limit * 60 >= guess);
  return minutes === undefined ? SHAPE.longestSeconds : minutes * 60;
}

function hourWeights(days: number): number[] {
  return Array.from(
    { length: Math.ceil(days * 24) },
    (_, hour) => (SHAPE.hours[hour % 24] as number) * (SHAPE.days[Math.floor(hour / 24) % 7] as number),
  );
}

/** Turns an even draw into an index, drawn by these weights. */
function weighted(weights: readonly number[]): (draw: number) => number {
  let sum = 0;
  const upTo = weights.map((weight) => {
    sum += weight;
    return sum;
  });
  return (draw) => {
    let [low, high] = [0, upTo.length - 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((upTo[middle] as number) <= draw * sum) low = middle + 1;
      else high = middle;
    }
    return low;
  };
}

/** Box and Muller's transform. */
const normal = (one: number, other: number): number =>
  Math.sqrt(-2 * Math.log(1 - one)) * Math.cos(2 * Math.PI * other);
