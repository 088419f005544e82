import type { Timeline } from '@berth/contract';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { TestDaemon } from '../support/daemon.js';

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

  const { stays, planned, waiting } = await timeline();
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
