import type { Device, DeviceProcess } from '@berth/contract';
import { expect, it } from 'vitest';
import { deviceSeenBy, useSeenBy } from './others-jobs.js';

const sight = { name: 'eve', owns: (job: string) => job === 'job_eve' };
const process = (job: string | null, number: number | null) =>
  ({ pid: 1, user: 'root', command: 'python', memoryBytes: 7, job, number }) as DeviceProcess;
const processes = [process('job_eve', 1), process('job_ada', 2), process(null, null)];
const seen = [process('job_eve', 1), { ...process('job_ada', null), command: null }, process(null, null)];

it("of processes those of one's own jobs and of no job are told of; of others' what they take", () => {
  const device = { holders: [], keepsWaiting: null, sample: { processes } } as unknown as Device;
  expect(deviceSeenBy(sight, device).sample?.processes).toEqual(seen);
  expect(useSeenBy(sight, [{ processes } as never])).toEqual([{ processes: seen }]);
});

it('of the jobs that a device keeps waiting their number is told', () => {
  const device = {
    holders: [],
    keepsWaiting: { jobs: 3, first: [4, 5, 6] },
    sample: null,
  } as unknown as Device;
  expect(deviceSeenBy(sight, device).keepsWaiting).toEqual({ jobs: 3, first: [] });
});
