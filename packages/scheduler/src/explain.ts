import { byNode, fits, suffices } from './feasible.js';
import { goesBefore } from './order.js';
import { describe, timeOf } from './pending-reason.js';
import { place } from './placement.js';
import { type Clock, Reservations } from './reservation.js';
import type { Needs, PendingJob, SchedulableDevice, SchedulerState } from './state.js';

/** More jobs ahead than this aren't planned one by one: nobody would believe the result. */
const MOST_PLANNED = 5_000;

/** What stands between a job and one device. */
export interface Verdict {
  readonly device: SchedulableDevice;
  /** `free`: nothing; `ruledOut`: it could never have it; the others pass. */
  readonly verdict: 'free' | 'ruledOut' | 'obstructed' | 'held' | 'reserved';
  readonly why: string;
}

/** Why a job waits, and how long it may take. */
export interface Explanation {
  /** How many jobs are before it. */
  readonly ahead: number;
  readonly startsNow: boolean;
  readonly verdicts: readonly Verdict[];
  /** ms since the epoch: it starts then at the latest, as time limits promise; null: `unknownBecause` says why not. */
  readonly latestStart: number | null;
  readonly unknownBecause: string | null;
  /** What would make it start sooner. */
  readonly sooner: readonly string[];
}

/**
 * Explains where a job stands that waits, or that somebody thinks of submitting: it is planned behind all that go before it,
 * each with its own place, by the same rules by which they are placed.
 */
export function explain(state: SchedulerState, job: PendingJob, clock: Clock): Explanation {
  const before = [...state.pending.values()]
    .filter((other) => other.id !== job.id && goesBefore(other, job))
    .sort((one, other) => (goesBefore(one, other) ? -1 : 1));
  const reservations = new Reservations(clock);
  const given = new Map<string, { needs: Needs; to: PendingJob }>();
  const needsGiven = new Map<string, Needs>();
  for (const other of before.slice(0, MOST_PLANNED)) {
    const usable = usableBy(state, other.needs);
    const devices = place(other.needs, openTo(state, other.needs, usable, reservations, needsGiven));
    if (!devices) {
      if (suffices(usable, other.needs.gpus)) reservations.reserve(state, other, byNode(usable), needsGiven);
      continue;
    }
    for (const { uuid } of devices) {
      given.set(uuid, { needs: other.needs, to: other });
      needsGiven.set(uuid, other.needs);
    }
  }
  const verdicts = [...state.devices.values()].map((device) =>
    judge(state, job.needs, device, reservations, given),
  );
  const usable = usableBy(state, job.needs);
  const open = openTo(state, job.needs, usable, reservations, needsGiven);
  const startsNow = before.length <= MOST_PLANNED && place(job.needs, open) !== null;
  return {
    ahead: before.length,
    startsNow,
    verdicts,
    ...latestStart(state, job, clock, { usable, reservations, needsGiven, startsNow, ahead: before.length }),
    sooner: startsNow ? [] : waysToSooner(job.needs, verdicts, reservations, clock),
  };
}

function latestStart(
  state: SchedulerState,
  job: PendingJob,
  clock: Clock,
  plan: {
    usable: readonly SchedulableDevice[];
    reservations: Reservations;
    needsGiven: ReadonlyMap<string, Needs>;
    startsNow: boolean;
    ahead: number;
  },
): Pick<Explanation, 'latestStart' | 'unknownBecause'> {
  const unknown = (unknownBecause: string) => ({ latestStart: null, unknownBecause });
  if (plan.startsNow) return { latestStart: clock.now, unknownBecause: null };
  if (plan.ahead > MOST_PLANNED) return unknown(`${plan.ahead} jobs are ahead of it`);
  if (!suffices(plan.usable, job.needs.gpus))
    return unknown('the devices that it needs are not there, or kept from jobs');
  const unlimited = plan.usable.flatMap(({ uuid }) => {
    const holder = state.holders.get(uuid);
    return holder?.endsAt === null ? [holder.number] : [];
  });
  const own = plan.reservations.reserve(state, job, byNode(plan.usable), plan.needsGiven);
  if (own.certain) return { latestStart: own.from, unknownBecause: null };
  return unknown(
    unlimited.length > 0
      ? `job ${[...new Set(unlimited)].slice(0, 3).join(', ')} has no time limit`
      : 'a job that is ahead of it has no time limit',
  );
}

function usableBy(state: SchedulerState, needs: Needs): SchedulableDevice[] {
  const named = needs.candidates?.flatMap((uuid) => state.devices.get(uuid) ?? []) ?? [
    ...state.devices.values(),
  ];
  return named.filter((device) => device.obstacle === null && whyNever(needs, device) === null);
}

function openTo(
  state: SchedulerState,
  needs: Needs,
  usable: readonly SchedulableDevice[],
  reservations: Reservations,
  given: ReadonlyMap<string, Needs>,
): SchedulableDevice[] {
  return usable.filter(
    ({ uuid }) => !state.holders.has(uuid) && !given.has(uuid) && reservations.allow(uuid, needs),
  );
}

/** Why a job can never have a device; null: it can. */
function whyNever({ candidates, constraints, gpus }: Needs, device: SchedulableDevice): string | null {
  if (candidates && !candidates.includes(device.uuid)) return "the job's mask does not name it";
  if (constraints && !fits(device, constraints)) return `it is not ${describe(constraints)}`;
  if (gpus > 1 && !candidates && device.instance !== null)
    return 'it is a MIG instance, which can not be one of several devices';
  return null;
}

function judge(
  state: SchedulerState,
  needs: Needs,
  device: SchedulableDevice,
  reservations: Reservations,
  given: ReadonlyMap<string, { to: PendingJob }>,
): Verdict {
  const never = whyNever(needs, device);
  if (never !== null) return { device, verdict: 'ruledOut', why: never };
  if (device.obstacle)
    return { device, verdict: 'obstructed', why: `it is kept from jobs: ${device.obstacle.sentence}` };
  const holder = state.holders.get(device.uuid);
  if (holder) {
    const until =
      holder.endsAt === null ? 'which has no time limit' : `until ${timeOf(holder.endsAt)} at the latest`;
    return { device, verdict: 'held', why: `job ${holder.number} has it, ${until}` };
  }
  const other = given.get(device.uuid);
  if (other) return { device, verdict: 'held', why: `job ${other.to.number} is ahead and gets it` };
  const first = reservations.first(device.uuid);
  if (first && !reservations.allow(device.uuid, needs)) {
    return {
      device,
      verdict: 'reserved',
      why: `it is free, but kept for job ${first.by.number}, which is ahead and waits for ${first.by.needs.gpus}`,
    };
  }
  return { device, verdict: 'free', why: 'it is free' };
}

function waysToSooner(
  needs: Needs,
  verdicts: readonly Verdict[],
  reservations: Reservations,
  { now }: Clock,
): string[] {
  const count = (verdict: Verdict['verdict']): number =>
    verdicts.filter((each) => each.verdict === verdict).length;
  const ways: string[] = [];
  const [free, reserved] = [count('free'), verdicts.filter(({ verdict }) => verdict === 'reserved')];
  if (needs.gpus > 1 && free > 0) ways.push(`with gpus: ${free} it would start now`);
  if (reserved.length + free >= needs.gpus && reserved.length > 0) {
    const seconds = Math.min(
      ...reserved.map(({ device }) => ((reservations.first(device.uuid)?.from ?? now) - now) / 1000),
    );
    if (seconds >= 60)
      ways.push(
        `with a time limit (and grace period) of at most ${Math.floor(seconds / 60)} minutes it would start now`,
      );
  }
  for (const { device } of verdicts.filter(({ verdict }) => verdict === 'obstructed').slice(0, 3))
    ways.push(`device ${device.index} would do, once it is well and resumed`);
  if (count('ruledOut') > 0) {
    const because = needs.candidates ? 'mask' : 'constraints';
    if (needs.candidates || needs.constraints)
      ways.push(
        `its ${because} rule${because === 'mask' ? 's' : ''} ${count('ruledOut')} of ${verdicts.length} devices out`,
      );
  }
  return ways;
}
