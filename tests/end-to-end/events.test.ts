import { connect } from 'node:net';
import { join } from 'node:path';
import type { Event, Problem } from '@berth/contract';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { TestDaemon } from '../support/daemon.js';
import { type SentEvent, sentEvents, until } from '../support/event-source.js';

let daemon: TestDaemon;
beforeAll(async () => {
  daemon = await TestDaemon.start('2xH100-80GB');
});
afterAll(() => daemon.destroy());

async function follow(query = '', lastId?: string): Promise<AsyncGenerator<SentEvent>> {
  const headers = lastId === undefined ? {} : { 'last-event-id': lastId };
  return sentEvents(await daemon.request(query.startsWith('/') ? query : `/v1/events?${query}`, { headers }));
}
const eventOf = ({ data }: SentEvent): Event => data as Event;
const endOf =
  (job: { id: string }) =>
  (event: SentEvent): boolean =>
    event.type === 'job.ended' && eventOf(event).job === job.id;

it('tells everything as it happens, and after a break goes on where it was', async () => {
  const stream = await follow();
  const job = await daemon.shell('true', { user: 'ada' });
  const seen = await until(stream, endOf(job));
  expect(seen.map(({ type }) => type)).toEqual([
    'job.submitted',
    'job.placed',
    'task.claimed',
    'task.started',
    'job.ended',
  ]);
  expect(eventOf(seen[0] as SentEvent)).toMatchObject({
    job: job.id,
    number: 1,
    user: 'ada',
    state: 'pending',
  });
  await stream.return(undefined);

  const second = await daemon.shell('true');
  await daemon.ended(second);
  for (const resumed of [await follow('', seen[1]?.id as string), await follow(`after=${seen[1]?.id}`)]) {
    const rest = await until(resumed, endOf(second));
    expect(rest.slice(0, 3).map(({ id }) => id)).toEqual(seen.slice(2).map(({ id }) => id));
    expect(rest.filter(({ type }) => type === 'job.submitted')).toHaveLength(1);
    await resumed.return(undefined);
  }
});

it('loses nothing to who breaks off before the first event', async () => {
  const response = await daemon.request('/v1/events');
  const reader = (response.body as ReadableStream<Uint8Array>).getReader();
  const hello = Buffer.from((await reader.read()).value as Uint8Array).toString();
  const id = /^id: (.*)$/m.exec(hello)?.[1] as string;
  await reader.cancel();
  const job = await daemon.shell('true', { hold: true });
  const [first] = await until(await follow('', id), () => true);
  expect(eventOf(first as SentEvent)).toMatchObject({ type: 'job.submitted', job: job.id });
});

it('tells only what is asked for', async () => {
  const ofUser = await follow('user=bo&type=job.submitted,job.ended');
  const other = await daemon.shell('true', { user: 'ada' });
  const job = await daemon.shell('true', { user: 'bo' });
  await daemon.ended(other);
  const types = (await until(ofUser, endOf(job))).map((event) => [event.type, eventOf(event).job]);
  expect(types).toEqual([
    ['job.submitted', job.id],
    ['job.ended', job.id],
  ]);
  for (const path of [`/v1/jobs/${job.number}/events?after=0`, `/v1/events?job=${job.id}&after=0`]) {
    const seen = await until(await follow(path), endOf(job));
    expect(seen.map((event) => eventOf(event).job)).toEqual(seen.map(() => job.id));
    expect(seen).toHaveLength(5);
  }
});

it('says so where what came after an id is kept no longer, or it never was', async () => {
  const redis = new Redis(join(daemon.dataDirectory, 'redis', 'redis.sock'), { replyMapping: 'legacy' });
  const [oldest] = await redis.xrange('{berth}:events', '-', '+', 'COUNT', 1);
  await redis.xtrim('{berth}:events', 'MAXLEN', 3);
  const kept = await redis.xrange('{berth}:events', '-', '+');
  redis.disconnect();
  // The daemon remembers the newest ones by itself; one that was started anew does not.
  await daemon.stop();
  await daemon.start();
  const seen = await until(await follow('', oldest?.[0] as string), ({ type }) => type !== 'gap');
  expect(seen[0]).toMatchObject({ type: 'gap', data: { after: oldest?.[0], next: kept[0]?.[0] } });
  expect(seen[1]?.id).toBe(kept[0]?.[0]);

  const fromNowhere = await follow('', '99999999999999-0');
  expect((await until(fromNowhere, () => true))[0]).toMatchObject({ type: 'gap', data: { next: null } });
  const job = await daemon.shell('true');
  await until(fromNowhere, endOf(job));
});

it('does not wait for who reads nothing', async () => {
  const { hostname, port } = new URL(daemon.address);
  const deaf = connect(Number(port), hostname);
  deaf.pause();
  deaf.write(`GET /v1/events HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${daemon.token}\r\n\r\n`);
  const stream = await follow();
  const job = await daemon.shell('true');
  await until(stream, endOf(job));
  deaf.destroy();
});

it.each([
  ['/v1/events?type=job.exploded', 'type/0'],
  ['/v1/events?kind=job', 'kind'],
  ['/v1/events?after=yesterday', 'after'],
])('refuses %s', async (path, pointer) => {
  const response = await daemon.request(path);
  expect(response.status).toBe(422);
  expect(((await response.json()) as Problem).errors).toEqual([{ pointer, detail: expect.any(String) }]);
});

it('knows no job that is not there, and no id that is none', async () => {
  expect((await daemon.request('/v1/events?job=999')).status).toBe(404);
  expect((await daemon.request('/v1/jobs/999/events')).status).toBe(404);
  const odd = await daemon.request('/v1/events', { headers: { 'last-event-id': 'x' } });
  expect([odd.status, await odd.json()]).toMatchObject([422, { errors: [{ pointer: 'last-event-id' }] }]);
});
