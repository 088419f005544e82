import type { JobId } from '@berth/contract';
import type { Allocation, SchedulableDevice } from '@berth/scheduler';
import type { HolderEntry } from './devices.js';
import type { Ledger } from './ledger.js';
import { type JobRecord, placedAttempt, specOf, waitingJob } from './record.js';

/**
 * The devices of all nodes, each with the first of what keeps jobs away from it.
 * @param leftOut jobs that can't be read, and so are no allocations: what they hold is theirs all the same
 */
export async function schedulableDevices(
  ledger: Ledger,
  leftOut: ReadonlySet<JobId>,
): Promise<SchedulableDevice[]> {
  const [registered, { drains, obstacles, holders }] = await Promise.all([
    ledger.devices.all(),
    ledger.devices.book(),
  ]);
  return registered.map((device) => {
    const why = drains.get(device.uuid) ?? obstacles.get(device.uuid)?.[0];
    const holder = holders.get(device.uuid)?.find(({ job }) => leftOut.has(job));
    const obstacle = why ? { code: why.code, sentence: why.sentence } : holder ? heldBy(holder) : null;
    return { ...device, obstacle };
  });
}

function heldBy({ job }: HolderEntry): SchedulableDevice['obstacle'] {
  return { code: 'unreadable_holder', sentence: `${job} holds it, which can not be read in the ledger` };
}

/** What a job holds that has an attempt. */
export function allocationOf(record: JobRecord): Allocation {
  const attempt = Number(record.attempt);
  const { needs } = waitingJob(record);
  const { devices, gpus } = placedAttempt(record, attempt);
  const since = Number(record[`attempt:${attempt}:placedAt`]);
  const endsAt = needs.longestSeconds === null ? null : since + needs.longestSeconds * 1000;
  const leavingBy = leavingUntil(record);
  return {
    job: record.id as JobId,
    number: Number(record.number),
    attempt,
    needs,
    devices: devices.map(({ uuid }) => uuid),
    gpus,
    since,
    endsAt: leavingBy === null ? endsAt : Math.min(endsAt ?? leavingBy, leavingBy),
    leaving: leavingBy !== null,
  };
}

/** When a job that is being stopped has given its devices back at the latest, in ms since the epoch; null: it isn't. */
export function leavingUntil(record: JobRecord): number | null {
  if (record.state !== 'stopping') return null;
  return Number(record[`attempt:${record.attempt}:stoppingAt`]) + specOf(record).gracePeriod * 1000;
}
