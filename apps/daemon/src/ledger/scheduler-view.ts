import type { JobId } from '@berth/contract';
import {
  type Allocation,
  apply,
  emptyState,
  type SchedulableDevice,
  type SchedulerState,
} from '@berth/scheduler';
import type { Ledger } from './ledger.js';
import { type PlacedAttempt, placedAttempt, waitingJob } from './record.js';

/** The devices of all nodes, each with the first of what keeps jobs away from it. */
export async function schedulableDevices(ledger: Ledger): Promise<SchedulableDevice[]> {
  const [registered, { drains, obstacles }] = await Promise.all([ledger.devices(), ledger.deviceBook()]);
  return registered.map((device) => {
    const why = drains.get(device.uuid) ?? obstacles.get(device.uuid)?.[0];
    return { ...device, obstacle: why ? { code: why.code, sentence: why.sentence } : null };
  });
}

/** @param since ms since the epoch */
export function allocationOf(
  job: JobId,
  number: number,
  placed: PlacedAttempt,
  since: number,
  longestSeconds: number | null,
): Allocation {
  const endsAt = longestSeconds === null ? null : since + longestSeconds * 1000;
  return { job, number, devices: placed.devices.map(({ uuid }) => uuid), since, endsAt };
}

/** What the scheduler would see if it looked now, to explain a job by: those that wait for reasons of their own aren't in it. */
export async function schedulerView(ledger: Ledger): Promise<SchedulerState> {
  const state = emptyState();
  apply(state, { type: 'devices', devices: await schedulableDevices(ledger) });
  for (const record of await ledger.records(await ledger.idsInState('pending'))) {
    const { needs, held, openDependencies, notBefore, avoid } = waitingJob(record);
    if (held || openDependencies > 0 || (notBefore !== null && notBefore > Date.now())) continue;
    const [id, number, attempt] = [record.id as JobId, Number(record.number), Number(record.attempt) + 1];
    apply(state, { type: 'pending', job: { id, number, attempt, needs, avoid } });
  }
  const holders = [...(await ledger.allocations()).values()];
  for (const record of await ledger.records([...new Set(holders.map(({ job }) => job))])) {
    const attempt = Number(record.attempt);
    const since = Number(record[`attempt:${attempt}:placedAt`]);
    const { longestSeconds } = waitingJob(record).needs;
    const placed = placedAttempt(record, attempt);
    const allocation = allocationOf(record.id as JobId, Number(record.number), placed, since, longestSeconds);
    apply(state, { type: 'placed', allocation });
  }
  return state;
}
