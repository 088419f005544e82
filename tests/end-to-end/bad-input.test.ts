import { once } from 'node:events';
import { type IncomingMessage, METHODS, request } from 'node:http';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import type { JobList, Problem } from '@berth/contract';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually, TestDaemon } from '../support/daemon.js';
import { ApiDocument } from '../support/document.js';

let daemon: TestDaemon;
beforeAll(async () => {
  daemon = await TestDaemon.start('2xH100-80GB');
});
afterAll(() => daemon.destroy());

const command = ['true'];
const jobCount = async (): Promise<number> =>
  ((await (await daemon.request('/v1/jobs?limit=1000')).json()) as JobList).items.length;

/** What a bad submission is answered with, once it is sure that nothing else has happened. */
async function refusal(body: string, headers: Record<string, string> = {}): Promise<Problem> {
  const before = await jobCount();
  const response = await daemon.request('/v1/jobs', {
    method: 'POST',
    body,
    headers: { 'content-type': 'application/json', ...headers },
  });
  expect(response.headers.get('content-type')).toMatch(/^application\/problem\+json/);
  const problem = (await response.json()) as Problem;
  expect(problem.status).toBe(response.status);
  expect(await jobCount()).toBe(before);
  return problem;
}

describe('a bad submission is answered by name and changes nothing', () => {
  it.each([
    ['an unknown field', { command, gpu: 2 }, '#/gpu', /no field 'gpu'/],
    ['an empty command', { command: [] }, '#/command', /empty command/],
    ['nothing to run', {}, '#/command', /nothing to run/],
    ['a line of shell as a command', { command: 'python train.py' }, '#/command', /list.*script/],
    ['a mask that names nothing', { command, devices: '7' }, '#/devices', /7/],
    ['a mask with the same device twice', { command, devices: '1,1' }, '#/devices', /1/],
    [
      'more devices than there are',
      { command, gpus: 9 },
      '#/gpus',
      /9 devices; this host has 2: 0 \(NVIDIA H100/,
    ],
    ['more devices than the mask names', { command, gpus: 2, devices: '1' }, '#/gpus', /names 1/],
    [
      'a working directory that is missing',
      { command, workingDirectory: '/no/where' },
      '#/workingDirectory',
      /not exist/,
    ],
    [
      'a working directory that is a file',
      { command, workingDirectory: '/etc/passwd' },
      '#/workingDirectory',
      /not a directory/,
    ],
    ['a relative working directory', { command, workingDirectory: 'x' }, '#/workingDirectory', /absolute/],
    [
      'a mask in the environment',
      { command, environment: { CUDA_VISIBLE_DEVICES: '0' } },
      '#/environment/CUDA_VISIBLE_DEVICES',
      /"devices"/,
    ],
    ['a duration that is none', { command, timeLimit: 'soon' }, '#/timeLimit', /expected a duration/],
    ['a NUL in an argument', { command: ['a\0b'] }, '#/command/0', /NUL/],
  ])('%s', async (_name, body, pointer, detail) => {
    const problem = await refusal(JSON.stringify(body));
    expect(problem).toMatchObject({ type: 'urn:berth:problem:invalid_request', status: 422 });
    expect(problem.errors).toEqual(
      expect.arrayContaining([{ pointer, detail: expect.stringMatching(detail) as unknown as string }]),
    );
  });

  it.each([
    [
      'of the form',
      { command, gpus: 0, priority: 1e300, name: '', a: 1, 'b/c': 2 },
      ['#/a', '#/b~1c', '#/gpus', '#/name', '#/priority'],
    ],
    [
      'that this host can not have',
      { command, gpus: 9, devices: '7', constraints: { model: 'zzz' } },
      ['#/constraints', '#/devices', '#/gpus'],
    ],
  ])('names all bad fields at once: %s', async (_name, body, pointers) => {
    const problem = await refusal(JSON.stringify(body));
    expect(problem.errors?.map(({ pointer }) => pointer).sort()).toEqual(pointers);
  });

  it('names all bad fields of a schedule at once, with those of its job', async () => {
    const schedule = { cron: '61 * * * *', timeZone: 'Mars/X', job: { command: [], gpus: 'all' }, zz: 1 };
    const problem = (await (await daemon.post('/v1/schedules', schedule)).json()) as Problem;
    expect(problem.errors).toEqual([
      { pointer: '#/job/command', detail: expect.stringMatching(/empty command/) as unknown },
      { pointer: '#/job/gpus', detail: 'expected a number, not a text' },
      { pointer: '#/zz', detail: "there is no field 'zz' here" },
      { pointer: '#/cron', detail: expect.stringMatching(/minute is '61'/) as unknown },
      { pointer: '#/timeZone', detail: expect.stringMatching(/no time zone 'Mars\/X'/) as unknown },
    ]);
  });

  it.each([
    ['malformed JSON, with its place', '{"command": ["true" 1]}', /is no JSON: .* at position 20/],
    [
      'half of a character',
      '{"command": ["true"], "name": "\\ud83d"}',
      /has \\ud83d, one half of a character/,
    ],
    ['a key that every object has', '{"command": ["true"], "__proto__": {}}', /has a key __proto__/],
  ])('%s', async (_name, body, detail) => {
    expect(await refusal(body)).toMatchObject({
      type: 'urn:berth:problem:malformed_request',
      status: 400,
      detail: expect.stringMatching(detail) as unknown,
    });
  });

  it('but not a whole character, or a backslash before the same letters', async () => {
    const body = '{"script": "echo \\\\ud83d", "workingDirectory": "/", "name": "\\ud83d\\ude80"}';
    const headers = { 'content-type': 'application/json' };
    const answer = await daemon.request('/v1/jobs', { method: 'POST', body, headers });
    expect(await answer.json()).toMatchObject({ name: '🚀', script: 'echo \\ud83d' });
  });

  it('a body that is compressed', async () => {
    expect(await refusal('{}', { 'content-encoding': 'gzip' })).toMatchObject({
      status: 415,
      detail: expect.stringMatching(/"gzip"; send it as it is/) as unknown,
    });
  });

  it('no body where one is needed', async () => {
    expect(await refusal('')).toMatchObject({ status: 422, errors: [{ pointer: '#' }] });
    const headers = { 'content-type': 'application/json' };
    for (const body of ['', '7', 'null'])
      expect((await daemon.request('/v1/schedules', { method: 'POST', headers, body })).status).toBe(422);
  });

  it('a body that is not JSON', async () => {
    expect(
      await refusal('command=true', { 'content-type': 'application/x-www-form-urlencoded' }),
    ).toMatchObject({ status: 415 });
  });

  it('a body that is too large', async () => {
    expect(await refusal(JSON.stringify({ command: ['x'.repeat(5_000_000)] }))).toMatchObject({
      status: 413,
    });
  });

  it('an Idempotency-Key that was used for something else', async () => {
    const key = { 'idempotency-key': 'mine' };
    const first = await daemon.post('/v1/jobs', { command }, key);
    const again = await daemon.post('/v1/jobs', { command }, key);
    expect([first.status, again.status, again.headers.get('idempotency-replayed')]).toEqual([
      201,
      200,
      'true',
    ]);
    expect(((await again.json()) as { id: string }).id).toBe(((await first.json()) as { id: string }).id);
    expect(await refusal(JSON.stringify({ command: ['false'] }), key)).toMatchObject({
      type: 'urn:berth:problem:idempotency_conflict',
      status: 409,
    });
  });
});

describe('what is unusual in HTTP is answered as everything is', () => {
  it('every method: where a path takes others, they are named', async () => {
    // CONNECT asks for a tunnel, and gets none.
    for (const method of METHODS.filter((each) => each !== 'CONNECT')) {
      for (const path of ['/v1/jobs', '/v1/jobs/1', '/nothing']) {
        const sent = request(`${daemon.address}${path}`, {
          method,
          headers: { authorization: `Bearer ${daemon.token}` },
        });
        sent.end();
        const [answer] = (await once(sent, 'response')) as [IncomingMessage];
        const { statusCode: status = 0, headers } = answer;
        await text(answer);
        const told = `${method} ${path}: ${status}`;
        expect(status, told).toBeLessThan(500);
        expect(headers['x-content-type-options'], told).toBe('nosniff');
        if (status < 400) continue;
        expect(headers['content-type'], told).toMatch(/^application\/problem\+json/);
        if (path === '/nothing') expect(status, told).toBe(404);
        else if (status === 405) expect(headers.allow, told).toMatch(/^(GET, HEAD, POST|GET, HEAD, PATCH)$/);
        else expect([404, 422], told).toContain(status);
      }
    }
  });

  it.each([
    ['no Host', 'GET /v1/jobs HTTP/1.1\r\n', 400, 'malformed_request'],
    [
      'an expectation',
      'GET /v1/jobs HTTP/1.1\r\nHost: localhost\r\nExpect: 200-maybe\r\n',
      417,
      'expectation_failed',
    ],
  ])('%s', async (_name, head, status, code) => {
    const socket = connect(Number(new URL(daemon.address).port), '127.0.0.1');
    socket.write(`${head}Connection: close\r\n\r\n`);
    const [heads, body] = (await text(socket)).split('\r\n\r\n') as [string, string];
    expect(heads).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    expect(heads).toMatch(/content-type: application\/problem\+json/i);
    expect(JSON.parse(body)).toMatchObject({ type: `urn:berth:problem:${code}`, status });
  });

  it('JSON as the type of nothing, where nothing has to be sent', async () => {
    const { id } = await daemon.shell('true', { hold: true });
    const headers = { 'content-type': 'application/json' };
    const cancelled = await daemon.request(`/v1/jobs/${id}/cancel`, { method: 'POST', headers });
    expect(cancelled.status).toBe(202);
    const { status } = await daemon.request('/v1/tokens/tok_00000000000000000000a', {
      method: 'DELETE',
      headers,
    });
    expect(status).toBe(404);
  });
});

describe('a client that goes away', () => {
  /** What the log has of this level or a higher one. */
  const said = (level: number): string[] =>
    daemon.output
      .split('\n')
      .filter((line) => line.startsWith('{') && (JSON.parse(line) as { level: number }).level >= level);
  /** Sends a part of a request, and leaves once something has come, or is there. */
  const leave = async (head: string, body: string, waitsForAnswer: boolean): Promise<void> => {
    const socket = connect(Number(new URL(daemon.address).port), '127.0.0.1');
    await once(socket, 'connect');
    const headers = `host: 127.0.0.1\r\nauthorization: Bearer ${daemon.token}\r\nconnection: close`;
    socket.write(`${head} HTTP/1.1\r\n${headers}\r\n${body}`);
    if (waitsForAnswer) await once(socket, 'data');
    else await daemon.request('/healthz');
    socket.resetAndDestroy();
  };

  it('in the midst of anything is no error of the daemon', async () => {
    const large = await daemon.shell('head -c 20000000 /dev/zero | tr "\\0" x');
    await daemon.ended(large);
    const running = await daemon.shell('echo begun; sleep 1000');
    await daemon.until(running, 'running');
    const json = 'content-type: application/json\r\ncontent-length: 1000\r\n\r\n{"comm';
    const chunked = 'transfer-encoding: chunked\r\n\r\n5\r\n{"ber\r\n';
    for (const [head, body, waitsForAnswer] of [
      ['POST /v1/jobs', json, false],
      ['POST /v1/jobs/batch', `content-type: application/json\r\n${chunked}`, false],
      ['PUT /v1/ledger', chunked, false],
      [`GET /v1/jobs/${running.id}?wait=30s`, '\r\n', false],
      ['GET /v1/events', '\r\n', true],
      [`GET /v1/jobs/${running.id}/events`, '\r\n', true],
      [`GET /v1/jobs/${running.id}/logs?follow=true`, '\r\n', true],
      [`GET /v1/jobs/${running.id}/logs?follow=true`, 'accept: text/event-stream\r\n\r\n', true],
      [`GET /v1/jobs/${large.id}/logs`, '\r\n', true],
      [`GET /v1/jobs/${large.id}/logs`, 'accept-encoding: gzip\r\n\r\n', true],
      ['GET /v1/ledger', '\r\n', true],
    ] as const)
      await leave(head, body, waitsForAnswer);
    await eventually(
      () => daemon.output.split('a client went away before its request was whole').length - 1,
      (told) => told === 3,
    );
    await daemon.cancel(running);
    await daemon.ended(running);
    expect(said(40)).toEqual([]);
  });
});

describe('without the right token', () => {
  it.each([
    ['GET', '/v1/jobs'],
    ['POST', '/v1/jobs'],
    ['GET', '/v1/jobs/1/logs'],
    ['POST', '/v1/jobs/1/cancel'],
    ['GET', '/v1/devices'],
    ['GET', '/nothing/here'],
  ])('%s %s is refused', async (method, path) => {
    for (const authorization of [undefined, 'Bearer wrong', `Basic ${daemon.token}`]) {
      const response = await fetch(`${daemon.address}${path}`, {
        method,
        ...(authorization ? { headers: { authorization } } : {}),
      });
      expect(response.status).toBe(401);
      expect(response.headers.get('www-authenticate')).toMatch(/^Bearer/);
      expect(await response.json()).toMatchObject({ type: 'urn:berth:problem:unauthorized' });
    }
  });

  it('every operation is refused but those that the document calls open', async () => {
    const open: string[] = [];
    for (const { id, method, path } of new ApiDocument().operations) {
      const { status } = await fetch(`${daemon.address}${path.replace(/\{\w+\}/g, '1')}`, { method });
      if (status !== 401) open.push(id);
    }
    expect(open).toEqual(['isAlive', 'isReady']);
  });

  it('the probes answer, and nothing else of them is known', async () => {
    const answers = await Promise.all(
      ['/healthz', '/readyz'].map((path) => fetch(`${daemon.address}${path}`)),
    );
    expect(await Promise.all(answers.map((answer) => answer.json()))).toEqual([
      { status: 'ok' },
      { status: 'ok' },
    ]);
  });
});

describe('a job that can not be launched fails and says what to do', () => {
  it.each([
    [
      'a command that does not exist',
      { command: ['no-such-program'] },
      /no program no-such-program on the job's PATH/,
    ],
    ['a path that does not exist', { command: ['/no/such/program'] }, /\/no\/such\/program does not exist/],
    ['a file that is not executable', { command: ['/etc/passwd'] }, /not executable/],
  ])('%s', async (_name, job, sentence) => {
    const ended = await daemon.ended(await daemon.submit({ ...job, workingDirectory: '/' }));
    expect(ended).toMatchObject({ state: 'failed', cause: { code: 'launch_error' } });
    expect(ended.cause?.sentence).toMatch(sentence);
  });
});

it('says of a name that fits several devices that it does', async () => {
  const problem = (await (await daemon.request('/v1/devices/GPU-')).json()) as Problem;
  expect(problem).toMatchObject({ status: 404, detail: expect.stringMatching(/GPU- may be any of 2/) });
});

it.each(['logs', 'metrics'])('says of a rank that a job has not that it has none: %s', async (what) => {
  const { id } = await daemon.shell('true', { hold: true });
  const problem = (await (await daemon.request(`/v1/jobs/${id}/${what}?rank=7`)).json()) as Problem;
  expect(problem).toMatchObject({ status: 404, detail: expect.stringMatching(/has 1 task: rank 0/) });
});

it('says of a cancelled job that it was cancelled', async () => {
  const { id } = await daemon.shell('true', { hold: true });
  await daemon.cancel({ id });
  const init = { method: 'PATCH', body: '{"priority": 1}', headers: { 'content-type': 'application/json' } };
  const problem = (await (await daemon.request(`/v1/jobs/${id}`, init)).json()) as Problem;
  expect(problem.detail).toMatch(/was cancelled already/);
});

it.each([
  ['/v1/jobs/999999', 404],
  ['/v1/jobs/train.py', 422],
  ['/v1/jobs/999999/logs', 404],
  ['/v1/jobs?limit=0', 422],
  ['/v1/jobs?sort=name', 422],
  ['/v1/nothing', 404],
])('GET %s is answered with %i', async (path, status) => {
  const response = await daemon.request(path);
  expect(response.status).toBe(status);
  expect(response.headers.get('content-type')).toMatch(/^application\/problem\+json/);
});

it('the token is in a file for its owner alone, and never in the log', async () => {
  const { statSync } = await import('node:fs');
  expect(statSync(`${daemon.dataDirectory}/token`).mode & 0o777).toBe(0o600);
  expect(daemon.output).not.toContain(daemon.token);
});
