import type { Device, DeviceList, DeviceProcess, JobDeviceUse, Timeline } from '@berth/contract';

/** What somebody sees who sees their own jobs alone: of another user's that there is one, whose it is, and when; not which. */
export interface OwnSight {
  /** Whether a job that has devices is theirs. */
  owns(job: string): boolean;
  readonly name: string;
}

export function timelineSeenBy(sight: OwnSight, timeline: Timeline): Timeline {
  const { stays, planned } = timeline;
  return {
    ...timeline,
    stays: stays.map((stay) => seenBy(sight, stay)),
    planned: planned.map((stay) => seenBy(sight, stay)),
  };
}

export function devicesSeenBy(sight: OwnSight, list: DeviceList): DeviceList {
  return { ...list, items: list.items.map((device) => deviceSeenBy(sight, device)) };
}

export function deviceSeenBy(sight: OwnSight, device: Device): Device {
  const { holders, keepsWaiting, sample } = device;
  return {
    ...device,
    holders: holders.map((holder) => seenBy(sight, holder)),
    keepsWaiting: keepsWaiting && { ...keepsWaiting, first: [] },
    sample: sample && { ...sample, processes: processesSeenBy(sight, sample.processes) },
  };
}

export function useSeenBy(sight: OwnSight, use: readonly JobDeviceUse[]): JobDeviceUse[] {
  return use.map((each) => ({ ...each, processes: processesSeenBy(sight, each.processes) }));
}

function processesSeenBy(sight: OwnSight, processes: DeviceProcess[] | null): DeviceProcess[] | null {
  const shown = (process: DeviceProcess): DeviceProcess =>
    process.job === null || sight.owns(process.job) ? process : { ...process, command: null, number: null };
  return processes?.map(shown) ?? null;
}

function seenBy<T extends { user: string; number: number | null; name: string | null }>(
  { name }: OwnSight,
  thing: T,
): T {
  return thing.user === name ? thing : { ...thing, number: null, name: null };
}
