import { setTimeout as after } from 'node:timers/promises';
import type { Job, Queue } from '@berth/contract';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { eventually, TestDaemon } from '../support/daemon.js';

let daemon: TestDaemon;
beforeAll(async () => {
  daemon = await TestDaemon.start('2xH100-80GB');
});
afterAll(() => daemon.destroy());

const get = (path: string, tag?: string): Promise<Response> =>
  daemon.request(path, tag === undefined ? {} : { headers: { 'if-none-match': tag } });
const patch = (job: Job, change: object, tag: string): Promise<Response> =>
  daemon.request(`/v1/jobs/${job.id}`, {
    method: 'PATCH',
    body: JSON.stringify(change),
    headers: { 'content-type': 'application/json', 'if-match': tag },
  });

it.each(['/v1/jobs', '/v1/jobs/{job}', '/v1/usage'])(
  'says of %s that nothing is new, until something is',
  async (where) => {
    const job = await daemon.shell('true', { hold: true });
    const path = where.replace('{job}', job.id);
    // That the one before has ended is heard by its event; until then it goes on using its device.
    await eventually(
      async () => (await (await get('/v1/queue')).json()) as Queue,
      ({ running }) => running === 0,
    );
    const first = await get(path);
    const tag = (first.headers.get('etag') as string).replace(/^W\//, '');
    expect(tag).toMatch(/^"[\w.-]+"$/);
    const again = await get(path, `"other", W/${tag}`);
    expect([again.status, await again.text(), again.headers.get('etag')]).toEqual([
      304,
      '',
      first.headers.get('etag'),
    ]);
    await daemon.request(`/v1/jobs/${job.id}/release`, { method: 'POST' });
    await daemon.ended(job);
    expect((await get(path, tag)).status).toBe(200);
  },
);

it('says of devices that nothing is new while only ages are', async () => {
  const tag = (await get('/v1/devices')).headers.get('etag') as string;
  await eventually(
    async () => {
      const { headers } = await get('/v1/devices');
      const now = headers.get('etag') as string;
      await after(30);
      return (await get('/v1/devices', now)).status;
    },
    (status) => status === 304,
  );
  await eventually(
    () => get('/v1/devices/0', tag),
    ({ status }) => status === 200,
  );
});

it('says of a group that nothing is new', async () => {
  const response = await daemon.post('/v1/jobs/batch', {
    jobs: [{ script: 'true', workingDirectory: '/', hold: true }],
  });
  const { id } = (await response.json()) as { id: string };
  const tag = (await get(`/v1/groups/${id}`)).headers.get('etag') as string;
  expect((await get(`/v1/groups/${id}`, tag)).status).toBe(304);
  await daemon.request(`/v1/groups/${id}/cancel`, { method: 'POST' });
  expect((await get(`/v1/groups/${id}`, tag)).status).toBe(200);
});

it('changes a job only as the one who changes it has read it', async () => {
  const job = await daemon.shell('true', { hold: true });
  const tag = (await get(`/v1/jobs/${job.id}`)).headers.get('etag') as string;
  const changed = await patch(job, { priority: 5 }, tag);
  expect(changed.status).toBe(200);
  const refused = await patch(job, { priority: 6 }, tag);
  expect(refused.status).toBe(412);
  expect(await refused.json()).toMatchObject({
    type: 'urn:berth:problem:precondition_failed',
    detail: expect.stringContaining('read it again') as unknown,
  });
  expect(await daemon.job(job)).toMatchObject({ priority: 5 });
  const next = changed.headers.get('etag') as string;
  expect(next).toBe((await get(`/v1/jobs/${job.id}`)).headers.get('etag'));
  expect((await patch(job, { labels: { a: 'b' } }, `"x", ${next}`)).status).toBe(200);
  expect((await patch(job, { priority: 7 }, '*')).status).toBe(200);
  // What nobody has decided changes nothing of that: another job before it in line.
  const latest = (await get(`/v1/jobs/${job.id}`)).headers.get('etag') as string;
  await daemon.shell('true', { priority: 900 });
  expect((await patch(job, { priority: 8 }, latest)).status).toBe(200);
});

it('gives every answer with a job the tag by which it may be changed', async () => {
  const body = { script: 'true', workingDirectory: '/', hold: true };
  const submitted = await daemon.post('/v1/jobs', body);
  const job = (await submitted.json()) as Job;
  const act = (verb: string) => daemon.request(`/v1/jobs/${job.id}/${verb}`, { method: 'POST' });
  const held = await act('hold');
  const tags = [submitted, held].map(({ headers }) => headers.get('etag') as string);
  for (const [i, tag] of tags.entries())
    expect((await patch(job, { labels: {} }, tag)).status, `${i}`).toBe(200);
  expect((await act('cancel')).headers.get('etag')).toMatch(/^"/);
});

it('lets one of many changes on the same condition through', async () => {
  const job = await daemon.shell('true', { hold: true });
  const tag = (await get(`/v1/jobs/${job.id}`)).headers.get('etag') as string;
  const answers = await Promise.all(
    Array.from({ length: 20 }, (_, i) => patch(job, { priority: i + 1 }, tag)),
  );
  expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
  expect(answers.filter(({ status }) => status === 412)).toHaveLength(19);
});
