import { writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Job, Problem } from '@berth/contract';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { eventually, TestDaemon } from '../support/daemon.js';

let daemon: TestDaemon;
beforeAll(async () => {
  const file = join(tmpdir(), `berth-followers-${process.pid}.yaml`);
  writeFileSync(file, 'followers: 1000\n');
  daemon = await TestDaemon.start('2xH100-80GB', '--config', file);
});
afterAll(() => daemon.destroy());

const ask = (job: Job, query: string, init?: RequestInit): Promise<Response> =>
  daemon.request(`/v1/jobs/${job.id}?${query}`, init);
const stateOf = async (response: Promise<Response>): Promise<string> =>
  ((await (await response).json()) as Job).state;

it('answers when the state has changed, or after the time at the latest', async () => {
  const job = await daemon.shell('sleep 0.3', { hold: true });
  const began = performance.now();
  expect(await stateOf(ask(job, 'wait=0.2s'))).toBe('pending');
  expect(performance.now() - began).toBeGreaterThan(190);
  const changed = stateOf(ask(job, 'wait=30s'));
  await daemon.request(`/v1/jobs/${job.id}/release`, { method: 'POST' });
  expect(await changed).not.toBe('pending');
  expect(await stateOf(ask(job, 'wait=30s&was=pending'))).not.toBe('pending');
  expect(await stateOf(ask(job, 'wait=30s&until=ended'))).toBe('succeeded');
  expect(await stateOf(ask(job, 'wait=30s&until=ended'))).toBe('succeeded');
});

it('says that nothing is new where the tag is still right after the time', async () => {
  const job = await daemon.shell('true', { hold: true });
  const tag = (await ask(job, '')).headers.get('etag') as string;
  expect((await ask(job, 'wait=0.1s', { headers: { 'if-none-match': tag } })).status).toBe(304);
});

it.each(['wait=10m', 'wait=soon', 'until=never', 'was=gone', 'wate=1'])('refuses %s', async (query) => {
  const response = await daemon.request(`/v1/jobs/1?${query}`);
  expect(response.status).toBe(422);
  expect(((await response.json()) as Problem).errors).toHaveLength(1);
});

it('holds 1,000 requests at once for nothing, and no more', async () => {
  const job = await daemon.shell('true', { hold: true });
  const abort = new AbortController();
  // The question whether all are there takes a place for a moment, too.
  const insist = async (init?: RequestInit): Promise<Response> => {
    const response = await ask(job, 'wait=60s', init);
    return response.status === 429 ? insist(init) : response;
  };
  const waiting = Array.from({ length: 999 }, () => stateOf(insist()));
  const given = insist({ signal: abort.signal }).catch(() => 'gone');
  const refused = await eventually(
    () => ask(job, 'wait=0.001s'),
    ({ status }) => status === 429,
  );
  expect(refused.headers.get('retry-after')).toBe('5');
  expect(await refused.json()).toMatchObject({ type: 'urn:berth:problem:too_many_followers' });
  // Who goes away makes room.
  abort.abort();
  await given;
  await eventually(
    () => ask(job, 'wait=0.001s'),
    ({ status }) => status === 200,
  );
  await daemon.cancel(job);
  expect(new Set(await Promise.all(waiting))).toEqual(new Set(['cancelled']));
});
