import { ruledOutBy, suffices } from './feasible.js';
import { Heads } from './heads.js';
import { describe, heldBy, jobs, timeOf, wish } from './pending-reason.js';
import { Plan } from './plan.js';
import { countAhead } from './position.js';
import type {
  Allocation,
  Constraints,
  Needs,
  PendingJob,
  SchedulableDevice,
  SchedulerState,
} from './state.js';

/** More jobs ahead than this aren't planned one by one: nobody would believe the result. */
const MOST_PLANNED = 1_000;

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
 * Explains where a job stands that waits, or that somebody thinks of submitting. Whether it starts now, and why not, is found by
 * the very plan that decisions are made by; when it will, by one in which each job that goes before it has its own place. What
 * comes later and goes before it isn't foreseen.
 * @param now ms since the epoch
 */
export function explain(state: SchedulerState, job: PendingJob, now: number): Explanation {
  const plan = new Plan(state, now);
  // Before the plan gives anything out: limits are as they are now.
  const ahead = countAhead(state, plan.order, job, ({ needs }) => plan.limitOf(needs) === null);
  takeAllBefore(job, state, plan);
  const verdicts = [...state.devices.values()].map((device) => judge(state, job.needs, device, plan));
  const startsNow = ahead <= MOST_PLANNED && plan.wouldGet(job.needs) !== null;
  const base = { ahead, startsNow, verdicts };
  if (startsNow) return { ...base, latestStart: now, unknownBecause: null, sooner: [] };
  const sooner = waysToSooner(job.needs, verdicts, plan, now);
  if (ahead > MOST_PLANNED)
    return { ...base, latestStart: null, unknownBecause: `${ahead} jobs are ahead of it`, sooner };
  const foresight = new Plan(state, now, 'all');
  takeAllBefore(job, state, foresight);
  return { ...base, ...latestStart(state, job, foresight), sooner };
}

/** Plans the jobs that go before one, except those that a limit keeps waiting. */
function takeAllBefore(job: PendingJob, state: SchedulerState, plan: Plan): void {
  const heads = new Heads(state, plan.order);
  let taken = 0;
  for (let next = heads.first(); next && taken < MOST_PLANNED; next = heads.first()) {
    if (next.job.id !== job.id) {
      if (!plan.order.goesBefore(next.job, job)) break;
      if (plan.limitOf(next.job.needs)) {
        heads.drop();
        continue;
      }
      plan.take(next.job);
      taken += 1;
    }
    heads.advance();
  }
}

function latestStart(
  state: SchedulerState,
  job: PendingJob,
  plan: Plan,
): Pick<Explanation, 'latestStart' | 'unknownBecause'> {
  const unknown = (unknownBecause: string) => ({ latestStart: null, unknownBecause });
  const limit = plan.limitOf(job.needs);
  if (limit) return unknown(limit.sentence);
  const { usable } = plan.pools.of(job.needs);
  if (!suffices(usable, job.needs.gpus))
    return unknown('the devices that it needs are not there, or kept from jobs');
  const { own } = plan.keepDevices(job);
  if (own?.certain) return { latestStart: own.from, unknownBecause: null };
  const unlimited = usable.flatMap(({ uuid }) =>
    (state.holders.get(uuid) ?? []).filter(({ endsAt }) => endsAt === null).map(({ number }) => number),
  );
  const numbers = [...new Set(unlimited)];
  return unknown(
    numbers.length > 0
      ? `${jobs(numbers)} ${numbers.length === 1 ? 'has' : 'have'} no time limit`
      : 'a job that is ahead of it has no time limit',
  );
}

/** Why a job can never have a device; null: it can. */
function whyNever(needs: Needs, device: SchedulableDevice): string | null {
  switch (ruledOutBy(needs, device)) {
    case 'candidates':
      return "the job's mask does not name it";
    case 'constraints':
      return `it is not ${describe(needs.constraints as Constraints)}`;
    case 'share':
      return 'its memory is too small, or not known';
    case 'gpus':
      return 'it is a MIG instance, which can not be one of several devices';
    case null:
      return null;
  }
}

function judge(state: SchedulerState, needs: Needs, device: SchedulableDevice, plan: Plan): Verdict {
  const never = whyNever(needs, device);
  if (never !== null) return { device, verdict: 'ruledOut', why: never };
  if (device.obstacle)
    return { device, verdict: 'obstructed', why: `it is kept from jobs: ${device.obstacle.sentence}` };
  const hasRoom = plan.occupancy.hasRoom(device, needs);
  const holders = state.holders.get(device.uuid) ?? [];
  const [holder] = holders;
  const other = plan.given.get(device.uuid);
  if (!hasRoom && holder) {
    const why = holder.needs.share
      ? `it is ${heldBy(holders)}${needs.share ? `, which leaves too little of it` : ', and a job that has a device to itself needs all of it'}`
      : `job ${holder.number} has it, ${untilWhen(holder.endsAt, holder.leaving)}${givesWay(holder, needs) ? ', and gives way to this one' : ''}`;
    return { device, verdict: 'held', why };
  }
  if (!hasRoom && other) return { device, verdict: 'held', why: `job ${other.number} is ahead and gets it` };
  const reserved = plan.reservations.first(device.uuid);
  if (reserved && !plan.reservations.allow(device, needs)) {
    const why = `it is free, but kept for job ${reserved.by.number}, which is ahead and waits for ${wish(reserved.by.needs)}`;
    return { device, verdict: 'reserved', why };
  }
  return {
    device,
    verdict: 'free',
    why: holder ? `it has room beside ${jobs(holders.map(({ number }) => number))}` : 'it is free',
  };
}

function givesWay({ needs, leaving }: Allocation, to: Needs): boolean {
  return !leaving && needs.preemptible && needs.priority < to.priority;
}

function untilWhen(endsAt: number | null, leaving: boolean): string {
  if (endsAt === null) return 'which has no time limit';
  return `${leaving ? 'and is being stopped, ' : ''}until ${timeOf(endsAt)} at the latest`;
}

function waysToSooner(needs: Needs, verdicts: readonly Verdict[], plan: Plan, now: number): string[] {
  const limit = plan.limitOf(needs);
  if (limit)
    return [
      limit.code === 'quota'
        ? `when another job of ${needs.user} ends`
        : 'when another job of its group ends',
    ];
  const count = (verdict: Verdict['verdict']): number =>
    verdicts.filter((each) => each.verdict === verdict).length;
  const ways: string[] = [];
  const [free, reserved] = [count('free'), verdicts.filter(({ verdict }) => verdict === 'reserved')];
  if (needs.gpus > 1 && free > 0) ways.push(`with gpus: ${free} it would start now`);
  if (reserved.length + free >= needs.gpus && reserved.length > 0) {
    const seconds = Math.min(
      ...reserved.map(({ device }) => ((plan.reservations.first(device.uuid)?.from ?? now) - now) / 1000),
    );
    if (seconds >= 60)
      ways.push(
        `with a time limit (and grace period) of at most ${Math.floor(seconds / 60)} minutes it would start now`,
      );
  }
  for (const { device } of verdicts.filter(({ verdict }) => verdict === 'obstructed').slice(0, 3))
    ways.push(`device ${device.index} would do, once nothing keeps jobs from it`);
  if (count('ruledOut') > 0) {
    const because = needs.candidates ? 'mask' : 'constraints';
    if (needs.candidates || needs.constraints)
      ways.push(
        `its ${because} rule${because === 'mask' ? 's' : ''} ${count('ruledOut')} of ${verdicts.length} devices out`,
      );
  }
  return ways;
}
