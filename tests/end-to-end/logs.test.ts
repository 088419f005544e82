import { afterAll, beforeAll, expect, it } from 'vitest';
import { TestDaemon } from '../support/daemon.js';

let daemon: TestDaemon;
beforeAll(async () => {
  daemon = await TestDaemon.start('2xH100-80GB');
});
afterAll(() => daemon.destroy());

it('keeps both streams in the order in which they were written, and tells them apart', async () => {
  const job = await daemon.shell(
    'for i in 1 2 3; do echo "out $i"; sleep 0.02; echo "err $i" >&2; sleep 0.02; done',
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
  const job = await daemon.shell('for i in 1 2 3; do echo "line $i"; sleep 0.1; done');
  const response = await daemon.request(`/v1/jobs/${job.id}/logs?follow=true`);
  const pieces: string[] = [];
  await daemon.cancel(blocker);
  for await (const piece of response.body as ReadableStream<Uint8Array>)
    pieces.push(Buffer.from(piece).toString());
  expect(pieces.join('')).toBe('line 1\nline 2\nline 3\n');
  expect(pieces.length).toBeGreaterThan(1);
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
