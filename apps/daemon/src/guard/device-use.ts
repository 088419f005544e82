import type { DeviceProcess, JobId } from '@berth/contract';
import type { DeviceSample } from '@berth/cuda-core';
import { readProcess, userOf } from './host-process.js';
import type { ProcessOwners } from './process-owners.js';

/** Who has memory on a device, in one sample. */
export interface DeviceUse {
  processes: DeviceProcess[] | null;
  /** null: the driver doesn't say. */
  jobBytes: number | null;
  foreignBytes: number | null;
  /** What each job's processes have. */
  bytesByJob: ReadonlyMap<JobId, number>;
}

const UNKNOWN: DeviceUse = { processes: null, jobBytes: null, foreignBytes: null, bytesByJob: new Map() };

/** Gives each process of a sample its owner. */
export function deviceUse(sample: DeviceSample | null, owners: ProcessOwners): DeviceUse {
  if (!sample?.processes) return UNKNOWN;
  const bytesByJob = new Map<JobId, number>();
  let jobBytes = 0;
  let foreignBytes = 0;
  const processes = sample.processes.map(({ pid, kind, memoryBytes }): DeviceProcess => {
    const owner = owners.ownerOf(pid);
    const bytes = memoryBytes ?? 0;
    if (owner) {
      bytesByJob.set(owner.job, (bytesByJob.get(owner.job) ?? 0) + bytes);
      jobBytes += bytes;
    } else foreignBytes += bytes;
    return {
      pid,
      kind,
      memoryBytes,
      user: userOf(pid),
      command: readProcess(pid)?.command ?? null,
      job: owner?.job ?? null,
      number: owner?.number ?? null,
    };
  });
  return { processes, jobBytes, foreignBytes, bytesByJob };
}
