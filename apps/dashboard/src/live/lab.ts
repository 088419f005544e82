import type { DeviceList, Job, JobState } from '@berth/contract';
import { client } from './session.js';

/** Everything that the overview shows, of one moment. */
export interface Lab {
  devices: DeviceList;
  running: Job[];
  waiting: Job[];
}

const MOST_WAITING = 500;

export async function askLab(signal: AbortSignal): Promise<Lab> {
  const { jobs, devices } = client.value;
  const inState = async (state: JobState, limit = 200): Promise<Job[]> =>
    (await jobs.page({ state, limit, signal })).items;
  const [found, waiting, ...running] = await Promise.all([
    devices.list({ signal }),
    inState('pending', MOST_WAITING),
    inState('starting'),
    inState('running'),
    inState('stopping'),
  ]);
  const place = ({ position }: Job): number => position ?? Number.MAX_SAFE_INTEGER;
  return {
    devices: found,
    running: running.flat().sort((one, other) => one.number - other.number),
    waiting: waiting.sort((one, other) => place(one) - place(other) || one.number - other.number),
  };
}
