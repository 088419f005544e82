import { spawnSync } from 'node:child_process';
import type { JobMetrics, Timeline, Usage } from '@berth/contract';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { eventually, TestDaemon } from '../support/daemon.js';

const BERTH = new URL('../../apps/cli/bin/berth.js', import.meta.url).pathname;

let daemon: TestDaemon;
beforeAll(async () => {
  daemon = await TestDaemon.start('2xH100-80GB');
});
afterAll(() => daemon.destroy());

const timeline = async (query = ''): Promise<Timeline> =>
  (await (await daemon.request(`/v1/timeline?${query}`)).json()) as Timeline;

it('shows who had which devices, who has them until when, and who is planned to get them', async () => {
  const devices = (await daemon.devices()).map(({ uuid }) => uuid);
  const failed = await daemon.ended(await daemon.shell('exit 3', { devices: '1', name: 'gone wrong' }));
  const running = await daemon.shell('sleep 60', { devices: '0', timeLimit: 600, gracePeriod: 0 });
  const { attempts } = await daemon.until(running, 'running');
  const gang = await daemon.shell('true', { gpus: 2, timeLimit: 60, gracePeriod: 0, name: 'gang' });
  await daemon.shell('true', { hold: true });

  const { stays, planned, waiting } = await eventually(timeline, (seen) => seen.waiting > 0);
  const from = attempts[0]?.placedAt as string;
  const latestEnd = new Date(Date.parse(from) + 600_000).toISOString();
  expect(stays).toEqual([
    expect.objectContaining({
      job: running.id,
      devices: [devices[0]],
      from,
      until: null,
      latestEnd,
      cause: null,
    }),
    expect.objectContaining({
      job: failed.id,
      number: failed.number,
      name: 'gone wrong',
      user: failed.user,
      attempt: 1,
      devices: [devices[1]],
      from: failed.attempts[0]?.placedAt,
      until: failed.attempts[0]?.endedAt,
      latestEnd: null,
      cause: 'exit_code',
    }),
  ]);
  const until = new Date(Date.parse(latestEnd) + 60_000).toISOString();
  expect(planned).toEqual([
    expect.objectContaining({
      job: gang.id,
      name: 'gang',
      devices: expect.arrayContaining(devices) as string[],
      from: latestEnd,
      until,
      certain: true,
    }),
  ]);
  expect(waiting).toBe(1);

  await daemon.cancel(gang);
  await daemon.cancel(running);
  await daemon.ended(running);
});

it('has the last stays where there are more than were asked for, and says since when', async () => {
  const first = await daemon.ended(await daemon.shell('true', { retry: { limit: 1, backoff: 0 } }));
  const last = await daemon.ended(
    await daemon.shell('exit 1', { retry: { limit: 1, backoff: 0.1, on: ['exit_code'] } }),
  );
  expect(last.attempts).toHaveLength(2);
  const cut = await timeline('limit=2');
  expect(cut.stays.map(({ job, attempt }) => [job, attempt])).toEqual([
    [last.id, 2],
    [last.id, 1],
  ]);
  expect(cut.since).toBe(last.attempts[0]?.endedAt);
  const since = first.endedAt as string;
  const exact = await timeline(`since=${since}`);
  expect(exact.since).toBe(since);
  expect(exact.stays).toHaveLength(2);
  expect((await daemon.request('/v1/timeline?since=never')).status).toBe(422);
});

it('has of a stretch that is past who had devices then, also those who kept them longer', async () => {
  const before = await daemon.ended(await daemon.shell('true'));
  const long = await daemon.shell('sleep 60', { devices: '0' });
  const still = await daemon.shell('sleep 60', { devices: '1', sharing: { slots: 2 } });
  for (const each of [long, still]) await daemon.until(each, 'running');
  const short = await daemon.ended(await daemon.shell('true', { devices: '1', sharing: { slots: 2 } }));
  const until = new Date(Date.parse(short.endedAt as string) + 1).toISOString();
  await eventually(Date.now, (now) => now > Date.parse(until));
  const after = await daemon.ended(await daemon.shell('true', { devices: '1', sharing: { slots: 2 } }));
  await daemon.cancel(long);
  await daemon.ended(long);
  const waits = await daemon.shell('true', { gpus: 2 });

  const since = before.endedAt as string;
  const now = await eventually(
    () => timeline(`since=${since}&until=2100-01-01T00:00:00Z`),
    (seen) => seen.waiting > 0,
  );
  const past = await timeline(`since=${since}&until=${until}`);
  expect(past.stays.map(({ number }) => number)).toEqual([still, long, short].map(({ number }) => number));
  expect(past).toMatchObject({ since, until, planned: [], waiting: 1 });
  expect(now.stays.map(({ number }) => number)).toEqual(
    [still, long, after, short].map(({ number }) => number),
  );
  expect(now.planned.map(({ number }) => number)).toEqual([waits.number]);
  for (const each of [waits, still]) await daemon.cancel(each);
  await daemon.ended(still);
});

it('tells how long users, jobs and devices were at it, and for how much of that nothing ran', async () => {
  const [first, second] = await daemon.devices();
  const job = await daemon.shell('sleep 60', { devices: '1', name: 'sleepy', user: 'dora' });
  const { attempts } = await daemon.until(job, 'running');
  // A simulated device does nothing by itself: what is seen of that for a second or two is written down when the daemon ends.
  const placedAt = Date.parse(attempts[0]?.placedAt as string);
  await eventually(
    async () => (await (await daemon.request(`/v1/jobs/${job.id}/metrics?since=1m`)).json()) as JobMetrics,
    ({ devices }) => devices[0]?.points.some(({ at }) => Date.parse(at) > placedAt + 1000) ?? false,
  );
  await daemon.stop();
  await daemon.start();
  await daemon.cancel(job);
  const { startedAt: _, ...ended } = await daemon.ended(job);

  const usage = (await (await daemon.request('/v1/usage?jobs=1')).json()) as Usage;
  const held = (Date.parse(ended.endedAt as string) - placedAt) / 1000;
  expect(usage.jobs).toEqual([
    expect.objectContaining({ job: job.id, name: 'sleepy', user: 'dora', state: 'cancelled' }),
  ]);
  const [used] = usage.jobs;
  expect(used?.gpuSeconds).toBeCloseTo(held, 2);
  expect(used?.idleGpuSeconds).toBeGreaterThan(0.9);
  expect(used?.idleGpuSeconds).toBe(used?.watchedGpuSeconds);
  expect(used?.idleGpuSeconds).toBeLessThan(held);
  const dora = usage.users.find(({ user }) => user === 'dora');
  expect(dora?.gpuSecondsTotal).toBeCloseTo(held, 2);
  expect(dora?.idleGpuSeconds).toBe(used?.idleGpuSeconds);
  expect(usage.devices.map(({ device }) => device)).toEqual([first?.uuid, second?.uuid]);
  expect(usage.devices[1]?.gpuSeconds).toBeGreaterThan(held);
  const table = spawnSync(
    process.execPath,
    [BERTH, '--data-dir', daemon.dataDirectory, 'usage', '--by', 'job'],
    {
      encoding: 'utf8',
    },
  ).stdout;
  expect(table).toMatch(/^ *\d+ +sleepy +dora +cancelled +0\.\d\d +100%$/m);
});
