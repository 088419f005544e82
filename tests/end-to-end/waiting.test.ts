import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Job, Problem, Queue } from '@berth/contract';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually, TestDaemon } from '../support/daemon.js';

let daemon: TestDaemon;
const scratch = mkdtempSync(join(tmpdir(), 'berth-waiting-'));
beforeAll(async () => {
  daemon = await TestDaemon.start('2xH100-80GB');
});
afterAll(async () => {
  await daemon.destroy();
  rmSync(scratch, { recursive: true });
});

const wish = (job: Job, verb: string): Promise<Response> =>
  daemon.request(`/v1/jobs/${job.number}/${verb}`, { method: 'POST' });
const change = (job: Job, body: object): Promise<Response> =>
  daemon.request(`/v1/jobs/${job.number}`, {
    method: 'PATCH',
    body: JSON.stringify(body),
    headers: { 'content-type': 'application/json' },
  });

it('the queue is in the order of the line, says when each is planned to start, and counts the others', async () => {
  const running = await daemon.shell('sleep 60', { gpus: 2, timeLimit: 600, gracePeriod: 1 });
  await daemon.until(running, 'running');
  const held = await daemon.shell('true', { hold: true });
  const late = await daemon.shell('true', { gpus: 2, timeLimit: 60 });
  const first = await daemon.shell('true', { gpus: 2, timeLimit: 60, priority: 5 });
  const queue = await eventually(
    async () => (await (await daemon.request('/v1/queue')).json()) as Queue,
    ({ items }) => items.length === 2,
  );
  expect(queue).toMatchObject({ inLine: 2, waiting: 3, running: 1 });
  expect(queue.items.map(({ number, position, state }) => [number, position, state])).toEqual([
    [first.number, 1, 'pending'],
    [late.number, 2, 'pending'],
  ]);
  const [one, other] = queue.items.map(({ start }) => Date.parse(start?.at ?? ''));
  const ends = Date.parse((await daemon.job(running)).startedAt as string) + 601_000;
  expect(Math.abs((one as number) - ends)).toBeLessThan(5000);
  expect(other).toBeGreaterThan(one as number);
  expect(queue.items[0]?.start?.certain).toBe(true);
  for (const job of [late, first, held, running]) await daemon.cancel(job);
  await daemon.ended(running);
});

describe('a job that waits for reasons of its own', () => {
  it('does not start while it is held, and starts when it is released', async () => {
    const job = await daemon.shell('true', { hold: true });
    expect(job).toMatchObject({ held: true, reason: { code: 'held' }, position: null });
    const behind = await daemon.shell('true');
    expect((await daemon.ended(behind)).state).toBe('succeeded');
    expect((await daemon.job(job)).state).toBe('pending');
    await wish(job, 'release');
    expect((await daemon.ended(job)).state).toBe('succeeded');
  });

  it('starts no earlier than it is to, also when the daemon was restarted meanwhile', async () => {
    const job = await daemon.shell('true', { startAfter: '4s' });
    expect(job.reason).toMatchObject({ code: 'start_after', at: job.startAfter });
    await daemon.stop();
    await daemon.start();
    const ended = await daemon.ended(job);
    expect(Date.parse(ended.startedAt as string)).toBeGreaterThanOrEqual(
      Date.parse(job.startAfter as string),
    );
    expect(ended.state).toBe('succeeded');
  });

  it('starts after the job that it names, and not at all when that one fails', async () => {
    const go = join(scratch, 'go');
    const first = await daemon.shell(`until [ -e ${go} ]; do sleep 0.02; done; exit 3`, { devices: '0' });
    const otherwise = await daemon.shell('true', { after: [{ job: String(first.number), on: 'failed' }] });
    const second = await daemon.shell('true', { after: [first.number] });
    const third = await daemon.shell('true', { after: [second.id] });
    expect(second).toMatchObject({
      reason: { code: 'dependency' },
      after: [{ number: first.number, open: true }],
    });
    writeFileSync(go, '');
    expect((await daemon.ended(otherwise)).state).toBe('succeeded');
    expect(await daemon.ended(second)).toMatchObject({
      state: 'failed',
      cause: { code: 'dependency_failed' },
    });
    expect(await daemon.ended(third)).toMatchObject({
      state: 'failed',
      cause: { code: 'dependency_failed' },
    });
  });
});

describe('a job that fails', () => {
  it('is tried again after its causes, on another device, until it gets on', async () => {
    const mark = join(scratch, 'tried');
    const script = `echo "$CUDA_VISIBLE_DEVICES" >> ${mark}; test "$BERTH_ATTEMPT" = 3`;
    const job = await daemon.shell(script, { retry: { limit: 5, backoff: 0.2 } });
    const ended = await daemon.ended(job);
    expect(ended).toMatchObject({ state: 'succeeded', retries: 2 });
    expect(ended.attempts.map(({ cause }) => cause?.code ?? null)).toEqual(['exit_code', 'exit_code', null]);
    const [first, second, third] = readFileSync(mark, 'utf8').trim().split('\n');
    expect(second).not.toBe(first);
    expect(third).not.toBe(second);
  });

  it('is tried again on the same device where its mask names no other', async () => {
    const job = await daemon.shell('test "$BERTH_ATTEMPT" = 2', {
      devices: '1',
      retry: { limit: 1, backoff: 0.1 },
    });
    expect(await daemon.ended(job)).toMatchObject({ state: 'succeeded', retries: 1 });
  });
});

describe('a job that runs', () => {
  it('is stopped and starts anew when it is requeued', async () => {
    const job = await daemon.shell('test "$BERTH_ATTEMPT" = 2 || sleep 60', { gracePeriod: 1 });
    await daemon.until(job, 'running');
    expect((await wish(job, 'requeue')).status).toBe(202);
    const ended = await daemon.ended(job);
    expect(ended).toMatchObject({
      state: 'succeeded',
      attempts: [{ cause: { code: 'user' } }, { cause: null }],
    });
  });

  it('takes over a time limit that it is given while it runs', async () => {
    const job = await daemon.shell('sleep 60', { gracePeriod: 0 });
    await daemon.until(job, 'running');
    expect((await change(job, { timeLimit: 1 })).status).toBe(200);
    expect(await daemon.ended(job)).toMatchObject({ state: 'failed', cause: { code: 'time_limit' } });
  });

  it('goes on when its time limit is taken away', async () => {
    const mark = join(scratch, 'went-on');
    const job = await daemon.shell(`sleep 2.5; touch ${mark}`, { timeLimit: 2 });
    await daemon.until(job, 'running');
    await change(job, { timeLimit: null });
    expect((await daemon.ended(job)).state).toBe('succeeded');
    expect(existsSync(mark)).toBe(true);
  });
});

it('a job that has ended runs once more when it is requeued', async () => {
  const job = await daemon.shell('true');
  await daemon.ended(job);
  await wish(job, 'requeue');
  const ended = await eventually(
    () => daemon.job(job),
    ({ state, attempts }) => state === 'succeeded' && attempts.length === 2,
  );
  expect(ended.cause).toBeNull();
});

it('a waiting job goes first when it is given priority', async () => {
  const busy = await daemon.shell('sleep 60', { gpus: 2 });
  await daemon.until(busy, 'running');
  const first = await daemon.shell('sleep 0.2', { devices: '0' });
  const second = await daemon.shell('sleep 0.2', { devices: '0' });
  await change(second, { priority: 10, labels: { why: 'a deadline' } });
  await daemon.cancel(busy);
  const [one, other] = await Promise.all([daemon.ended(first), daemon.ended(second)]);
  expect(other.labels).toEqual({ why: 'a deadline' });
  expect(Date.parse(other.endedAt as string)).toBeLessThan(Date.parse(one.startedAt as string));
});

describe('bad input', () => {
  it.each([
    [{ after: [999_999] }, '#/after/0', /no job 999999/],
    [{ after: ['x'] }, '#/after/0', /./],
    [{ after: [{ job: 1, on: 'started' }] }, '#/after/0', /./],
    [{ startAfter: 'tomorrow' }, '#/startAfter', /./],
    [{ retry: { limit: -1 } }, '#/retry/limit', /./],
    [{ retry: { limit: 1, on: ['user'] } }, '#/retry/on/0', /./],
    [{ retry: {} }, '#/retry/limit', /./],
    [{ onDependencyFailure: 'shrug' }, '#/onDependencyFailure', /./],
  ])('%j is refused by the name of its field', async (fields, pointer, says) => {
    const response = await daemon.post('/v1/jobs', { command: ['true'], workingDirectory: '/', ...fields });
    expect(response.status).toBe(422);
    const { errors, detail } = (await response.json()) as Problem;
    expect(errors?.map((error) => error.pointer)).toContain(pointer);
    expect(detail).toMatch(says);
  });

  it('a dependency that can not be met any more is refused with what to do', async () => {
    const failed = await daemon.shell('exit 1');
    await daemon.ended(failed);
    const response = await daemon.post('/v1/jobs', {
      script: 'true',
      workingDirectory: '/',
      after: [failed.number],
    });
    expect(response.status).toBe(422);
    expect(((await response.json()) as Problem).detail).toMatch(/has failed already.*requeue it first/);
  });

  it('what a job is not in a state for is a conflict that says so', async () => {
    const job = await daemon.shell('true');
    await daemon.ended(job);
    for (const verb of ['hold', 'release']) {
      const response = await wish(job, verb);
      expect(response.status).toBe(409);
      expect(((await response.json()) as Problem).detail).toContain(`Job ${job.number} has succeeded`);
    }
    expect((await change(job, { priority: 1 })).status).toBe(409);
    expect((await change(job, {})).status).toBe(422);
    const waiting = await daemon.shell('true', { hold: true });
    expect((await wish(waiting, 'requeue')).status).toBe(409);
  });
});
