import type { JobId } from '@berth/contract';
import { bytesOf, capacityOf } from './occupancy.js';
import type { Allocation, PendingJob, SchedulableDevice, SchedulerState } from './state.js';

/** A job that is to give way. */
export interface Preemption {
  readonly job: JobId;
  readonly number: number;
  readonly attempt: number;
  /** For whom. */
  readonly by: PendingJob;
}

/** Who gives way to a job, and what it gets by that. */
export interface Displacement {
  readonly victims: readonly Allocation[];
  readonly devices: readonly SchedulableDevice[];
  /** How long it takes at the most until they have left, in seconds. */
  readonly graceSeconds: number;
}

/** Some devices that come together, and who has to leave for it. */
interface Offer {
  readonly victims: readonly Allocation[];
  readonly devices: readonly SchedulableDevice[];
  /** Device-seconds of work that are lost, if nothing was saved since the start. */
  readonly lost: number;
}

/** What a displacement is looked for in. */
export interface Search {
  readonly state: SchedulerState;
  readonly job: PendingJob;
  /** The devices that the job may have and that are kept for nobody, by their nodes. */
  readonly nodes: readonly (readonly SchedulableDevice[])[];
  /** Whether it could have a device right now. */
  isOpen(device: SchedulableDevice): boolean;
  /** Who gives way to somebody else already. */
  readonly taken: ReadonlySet<JobId>;
  /** ms since the epoch. */
  readonly now: number;
}

/**
 * Finds who gives way to a job that can't start: only jobs that allow it, only to a strictly higher priority. The lowest
 * priorities go first; among choices that need no higher ones, the one that loses the least work (device-seconds since the
 * start) is found exactly, by dynamic programming over the number of devices.
 *
 * @returns null where no such choice makes it start; no victims where enough are about to leave anyway
 */
export function displace(search: Search): Displacement | null {
  const { state, job, nodes, taken } = search;
  const gives = ({ needs, job: id }: Allocation): boolean =>
    needs.preemptible && needs.priority < job.needs.priority && !taken.has(id);
  const victims = [...state.allocations.values()].filter(gives);
  const priorities = [...new Set(victims.map(({ needs }) => needs.priority))].sort(
    (one, other) => one - other,
  );

  // First what comes without anybody's harm, then up to one priority after another.
  for (const highest of [-Infinity, ...priorities]) {
    let best: (Displacement & { lost: number }) | null = null;
    for (const node of nodes) {
      const mayGo = (holder: Allocation): boolean =>
        holder.leaving || (gives(holder) && holder.needs.priority <= highest);
      const choice = cheapest(offersOf(search, node, mayGo), job.needs.gpus);
      if (choice && (!best || choice.lost < best.lost)) best = choice;
    }
    if (best) return best;
  }
  return null;
}

/** What could be had on a node: what is open, and what somebody would have to leave. */
function offersOf(
  { state, job, isOpen, now }: Search,
  node: readonly SchedulableDevice[],
  mayGo: (allocation: Allocation) => boolean,
): Offer[] {
  const offers: Offer[] = [];
  const byHolder = new Map<Allocation, SchedulableDevice[]>();
  const lost = ({ gpus, since, leaving }: Allocation): number =>
    leaving ? 0 : ((now - since) / 1000) * gpus + 1e-6;
  for (const device of node) {
    const holders = state.holders.get(device.uuid) ?? [];
    if (isOpen(device)) offers.push({ victims: [], devices: [device], lost: 0 });
    else if (holders.length === 1 && holders[0]?.needs.share === null) {
      const [holder] = holders as [Allocation];
      if (mayGo(holder)) byHolder.set(holder, [...(byHolder.get(holder) ?? []), device]);
    } else {
      const victims = leavers(job, device, holders, mayGo, lost);
      if (victims) offers.push({ victims, devices: [device], lost: sum(victims.map(lost)) });
    }
  }
  for (const [holder, devices] of byHolder) offers.push({ victims: [holder], devices, lost: lost(holder) });
  return offers;
}

/** Who of those that share a device would have to leave it; null: that wouldn't do. */
function leavers(
  { needs: { share } }: PendingJob,
  device: SchedulableDevice,
  holders: readonly Allocation[],
  mayGo: (allocation: Allocation) => boolean,
  lost: (allocation: Allocation) => number,
): Allocation[] | null {
  if (holders.length === 0) return null;
  if (!share) return holders.every(mayGo) ? [...holders] : null;
  const bytes = ({ needs }: Allocation): number => (needs.share ? bytesOf(needs.share, device) : 0);
  let left = capacityOf(device) - sum(holders.map(bytes));
  const wanted = bytesOf(share, device);
  const byLoss = holders.filter(mayGo).sort((one, other) => lost(one) - lost(other));
  const victims: Allocation[] = [];
  for (const holder of byLoss) {
    if (left >= wanted) break;
    left += bytes(holder);
    victims.push(holder);
  }
  if (left < wanted) return null;
  // Who came later may have been enough without who came before.
  for (const victim of [...victims].reverse()) {
    if (left - bytes(victim) < wanted) continue;
    left -= bytes(victim);
    victims.splice(victims.indexOf(victim), 1);
  }
  return victims;
}

/** The offers that together have enough devices and lose the least: a covering knapsack. */
function cheapest(offers: readonly Offer[], gpus: number): (Displacement & { lost: number }) | null {
  // best[n]: the cheapest way to have at least n devices, with the offers so far.
  const best: ({ lost: number; taken: readonly Offer[] } | null)[] = [{ lost: 0, taken: [] }];
  for (let n = 1; n <= gpus; n += 1) best.push(null);
  for (const offer of offers) {
    for (let n = gpus; n >= 1; n -= 1) {
      const before = best[Math.max(n - offer.devices.length, 0)];
      const now = best[n];
      if (before && (!now || before.lost + offer.lost < now.lost))
        best[n] = { lost: before.lost + offer.lost, taken: [...before.taken, offer] };
    }
  }
  const choice = best[gpus];
  if (!choice) return null;
  const leaving = choice.taken.flatMap(({ victims }) => victims);
  return {
    victims: leaving.filter((allocation) => !allocation.leaving),
    devices: choice.taken.flatMap(({ devices }) => devices).slice(0, gpus),
    graceSeconds: Math.max(0, ...leaving.map(({ needs }) => needs.graceSeconds)),
    lost: choice.lost,
  };
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, each) => total + each, 0);
