import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { TestDaemon } from '../support/daemon.js';
import { type SentEvent, sentEvents, until } from '../support/event-source.js';

let daemon: TestDaemon;
beforeAll(async () => {
  daemon = await TestDaemon.start('2xH100-80GB');
});
afterAll(() => daemon.destroy());

it('keeps both streams in the order in which they were written, and tells them apart', async () => {
  // One after another: of what is in both pipes at a time nobody can tell which came first.
  const job = await daemon.shell(
    `written() { until grep -aqs "$1" "$(dirname "$0")/output.0"; do sleep 0.01; done; }
     for i in 1 2 3; do echo "out $i"; written "out $i"; echo "err $i" >&2; written "err $i"; done`,
  );
  await daemon.ended(job);
  expect(await daemon.logs(job)).toBe('out 1\nerr 1\nout 2\nerr 2\nout 3\nerr 3\n');
  expect(await daemon.logs(job, 'stream=stdout')).toBe('out 1\nout 2\nout 3\n');
  expect(await daemon.logs(job, 'stream=stderr')).toBe('err 1\nerr 2\nerr 3\n');
});

it('shows the last lines, and what comes after a byte', async () => {
  const job = await daemon.shell('seq 1 1000');
  await daemon.ended(job);
  expect(await daemon.logs(job, 'tail=2')).toBe('999\n1000\n');
  expect(await daemon.logs(job, 'tail=0')).toBe('');
  const rest = await daemon.request(`/v1/jobs/${job.number}/logs?offset=10`);
  expect(rest.headers.get('berth-log-offset')).toBe('10');
  expect((await rest.text()).startsWith('6\n7\n')).toBe(true);
});

it('is followed line by line while the job runs, from before it starts', async () => {
  const blocker = await daemon.shell('sleep 60', { gpus: 2 });
  const seen = join(daemon.dataDirectory, 'seen');
  const job = await daemon.shell(
    `for i in 1 2 3; do echo "line $i"; until [ -e ${seen}.$i ]; do sleep 0.01; done; done`,
  );
  const response = await daemon.request(`/v1/jobs/${job.id}/logs?follow=true`);
  const pieces: string[] = [];
  await daemon.cancel(blocker);
  for await (const piece of response.body as ReadableStream<Uint8Array>) {
    pieces.push(Buffer.from(piece).toString());
    writeFileSync(`${seen}.${pieces.length}`, '');
  }
  expect(pieces).toEqual(['line 1\n', 'line 2\n', 'line 3\n']);
});

it('passes bytes on as they are', async () => {
  const job = await daemon.shell(`printf '\\377\\000\\303'`);
  await daemon.ended(job);
  const bytes = new Uint8Array(await (await daemon.request(`/v1/jobs/${job.id}/logs`)).arrayBuffer());
  expect([...bytes]).toEqual([0xff, 0x00, 0xc3]);
});

it('knows no rank that the job does not have', async () => {
  const job = await daemon.shell('true');
  const response = await daemon.request(`/v1/jobs/${job.id}/logs?rank=1`);
  expect(response.status).toBe(404);
  expect(await response.json()).toMatchObject({ detail: expect.stringContaining('1 task') });
});

it('is empty for a job that still waits', async () => {
  const blocker = await daemon.shell('sleep 60', { gpus: 2 });
  const job = await daemon.shell('true');
  expect(await daemon.logs(job)).toBe('');
  await daemon.cancel(job);
  await daemon.cancel(blocker);
});

/** Past fetch, which decompresses by itself. */
async function raw(
  path: string,
  headers: Record<string, string>,
): Promise<{ status: number; headers: Record<string, unknown>; body: Buffer }> {
  const sent = request(`${daemon.address}${path}`, {
    headers: { authorization: `Bearer ${daemon.token}`, ...headers },
  });
  sent.end();
  const [response] = await once(sent, 'response');
  const parts: Buffer[] = [];
  for await (const part of response) parts.push(part as Buffer);
  return { status: response.statusCode, headers: response.headers, body: Buffer.concat(parts) };
}

it('is compressed as it is asked for, and not while it is followed', async () => {
  const job = await daemon.shell('seq 1 20000');
  await daemon.ended(job);
  const plain = Buffer.from(await daemon.logs(job));
  const path = `/v1/jobs/${job.id}/logs`;
  for (const [accept, encoding, decompress] of [
    ['gzip', 'gzip', gunzipSync],
    ['gzip, deflate, br', 'br', brotliDecompressSync],
    ['br;q=0, *', 'gzip', gunzipSync],
  ] as const) {
    const { headers, body } = await raw(path, { 'accept-encoding': accept });
    expect([headers['content-encoding'], headers.vary]).toEqual([encoding, 'accept-encoding']);
    expect(body.length).toBeLessThan(plain.length / 2);
    expect(decompress(body).equals(plain)).toBe(true);
  }
  for (const [query, accept] of [
    ['', 'identity'],
    ['?follow=true', 'gzip'],
    ['', 'gzip;q=0'],
  ] as const) {
    const { headers, body } = await raw(`${path}${query}`, { 'accept-encoding': accept });
    expect(headers['content-encoding']).toBeUndefined();
    expect(body.equals(plain)).toBe(true);
  }
});

it('is given by ranges of bytes', async () => {
  const job = await daemon.shell('printf 0123456789');
  await daemon.ended(job);
  const path = `/v1/jobs/${job.id}/logs`;
  for (const [range, status, text, part] of [
    ['bytes=0-3', 206, '0123', 'bytes 0-3/10'],
    ['bytes=4-', 206, '456789', 'bytes 4-9/10'],
    ['bytes=-2', 206, '89', 'bytes 8-9/10'],
    ['bytes=8-99', 206, '89', 'bytes 8-9/10'],
    ['bytes=3-1', 200, '0123456789', undefined],
    ['bytes=0-1,3-4', 200, '0123456789', undefined],
    ['lines=1-2', 200, '0123456789', undefined],
  ] as const) {
    const answer = await raw(path, { range, 'accept-encoding': 'gzip;q=0' });
    expect([range, answer.status, answer.body.toString(), answer.headers['content-range']]).toEqual([
      range,
      status,
      text,
      part,
    ]);
  }
  const beyond = await raw(path, { range: 'bytes=10-' });
  expect([beyond.status, beyond.headers['content-range']]).toEqual([416, 'bytes */10']);
  expect(JSON.parse(beyond.body.toString())).toMatchObject({
    type: 'urn:berth:problem:range_not_satisfiable',
    detail: expect.stringContaining('10 bytes, 0 to 9') as unknown,
  });
  const head = await daemon.request(path, { method: 'HEAD', headers: { accept: 'text/event-stream' } });
  expect([head.status, head.headers.get('accept-ranges')]).toEqual([200, 'bytes']);
});

async function follow(job: { id: string }, lastId?: string): Promise<AsyncGenerator<SentEvent>> {
  const resume = lastId === undefined ? {} : { 'last-event-id': lastId };
  const headers = { accept: 'text/event-stream', ...resume };
  return sentEvents(await daemon.request(`/v1/jobs/${job.id}/logs`, { headers }));
}
const textOf = (events: readonly SentEvent[]): string =>
  events.map(({ data }) => (data as { text?: string }).text ?? '').join('');

it('is followed as server-sent events, which go on behind the last one that was seen', async () => {
  const go = join(daemon.dataDirectory, 'go');
  const job = await daemon.shell(
    `printf 'a\\303'; until [ -e ${go} ]; do sleep 0.02; done; printf '\\274b\\n'; sleep 0.1; printf '\\360\\237'; sleep 0.1; echo end`,
  );
  const stream = await follow(job);
  const first = (await until(stream, () => true))[0] as SentEvent;
  // A character is never cut in two: its first byte waits for the second.
  expect(first).toMatchObject({ type: 'output', data: { attempt: 1, offset: 0, text: 'a' }, id: '1:1' });
  await stream.return(undefined);
  writeFileSync(go, '');
  const rest = await until(await follow(job, first.id as string), ({ type }) => type === 'end');
  expect(textOf(rest)).toBe('üb\n\uFFFDend\n');
  expect(rest.at(-1)).toMatchObject({ data: { state: 'succeeded' }, id: '1:11' });
  expect(await until(await follow(job, '1:11'), ({ type }) => type === 'end')).toHaveLength(1);
});

it('is followed from attempt to attempt, and none is left out', async () => {
  const job = await daemon.shell('echo attempt $BERTH_ATTEMPT; test $BERTH_ATTEMPT = 3', {
    retry: { limit: 2, backoff: 0 },
  });
  await daemon.ended(job);
  const seen = await until(await follow(job, '1:0'), ({ type }) => type === 'end');
  expect(textOf(seen)).toBe('attempt 1\nattempt 2\nattempt 3\n');
  for (const id of ['4:0', 'x', '1', '0:5']) {
    const response = await daemon.request(`/v1/jobs/${job.id}/logs`, {
      headers: { accept: 'text/event-stream', 'last-event-id': id },
    });
    expect([response.status, await response.json()]).toMatchObject([
      422,
      { errors: [{ pointer: 'last-event-id' }] },
    ]);
  }
});
