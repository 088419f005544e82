import { pino } from 'pino';
import { expect, it } from 'vitest';
import type { Activity } from '../ledger/usage.js';
import { ActivityMeter } from './activity-meter.js';

const DEVICE = { uuid: 'GPU-1', memoryTotalBytes: 100 };
const WHOLE = { job: 'job_1', user: 'ada', since: new Date(0).toISOString(), sharedBytes: null } as const;

/** What is written of samples of one device, taken at these seconds. */
async function written(
  samples: readonly [second: number, utilisation: number | null][],
  holders: Parameters<ActivityMeter['add']>[2] = [WHOLE],
): Promise<readonly Activity[]> {
  const calls: (readonly Activity[])[] = [];
  const noteActivity = async (_: string, seen: readonly Activity[]) => void calls.push(seen);
  const meter = new ActivityMeter({ noteActivity }, pino({ level: 'silent' }));
  for (const [second, utilisation] of samples)
    meter.add(DEVICE, { takenAt: second * 1000, utilisation }, holders);
  await meter.write();
  await meter.write();
  expect(calls.length).toBeLessThanOrEqual(1);
  return calls[0] ?? [];
}

it('counts what was held, and of that what was idle', async () => {
  const seen = await written([
    [10, 0.5],
    [11, 0],
    [12, 0.01],
    [14, 0],
  ]);
  expect(seen).toEqual([{ job: 'job_1', user: 'ada', device: 'GPU-1', watched: 4, idle: 3 }]);
});

it('does not count what nobody saw: after a pause, of a device that does not say, before the job was there', async () => {
  expect(
    await written([
      [10, 0],
      [60, 0],
    ]),
  ).toEqual([]);
  expect(
    await written([
      [10, null],
      [11, null],
    ]),
  ).toEqual([]);
  const late = { ...WHOLE, since: new Date(10_750).toISOString() };
  expect(
    await written(
      [
        [10, 0],
        [11, 0],
      ],
      [late],
    ),
  ).toMatchObject([{ watched: 0.25, idle: 0.25 }]);
});

it('counts parts of a device as parts', async () => {
  const seen = await written(
    [
      [10, 0],
      [12, 0],
    ],
    [
      { ...WHOLE, sharedBytes: 25 },
      { ...WHOLE, job: 'job_2', sharedBytes: 50 },
    ],
  );
  expect(seen.map(({ job, watched }) => [job, watched])).toEqual([
    ['job_1', 0.5],
    ['job_2', 1],
  ]);
});
