import type { DeviceViews } from '../api/device-views.js';
import { JobMap } from '../prometheus/job-map.js';
import type { Ground } from './ground.js';

/** Events after which other jobs may have a device. */
const HOLDERS_CHANGE = ['job.placed', 'job.ended', 'job.requeued', 'devices.registered'];

/** Keeps what DCGM's exporter reads, where the settings ask for it. */
export async function keepJobMap({ config, feed, log }: Ground, views: DeviceViews): Promise<void> {
  if (!config.dcgmJobMapping) return;
  const devices = async () => (await views.list()).items;
  const jobMap = new JobMap({ directory: config.dcgmJobMapping, devices, log });
  feed.listen((events) => {
    if (events.some(({ type }) => HOLDERS_CHANGE.includes(type))) void jobMap.update();
  });
  await jobMap.update();
}
