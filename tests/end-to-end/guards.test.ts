import { execFileSync, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type IncomingHttpHeaders, request } from 'node:http';
import { request as requestTls } from 'node:https';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually, TestDaemon } from '../support/daemon.js';

interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  body: string;
}

const PROXY = '127.0.0.1';
let settings: string;
let daemon: TestDaemon;

beforeAll(async () => {
  settings = mkdtempSync(join(tmpdir(), 'berth-guards-'));
  const config = join(settings, 'config.yaml');
  writeFileSync(
    config,
    'requestTimeout: 2s\nallowedOrigins: ["https://lab.example"]\nallowedHosts: [gpu.lab.example]\n',
  );
  daemon = await TestDaemon.start('1xH100-80GB', '--config', config, '--log-level', 'debug');
});
afterAll(async () => {
  await daemon.destroy();
  rmSync(settings, { recursive: true });
});

/** A request with exactly these headers: fetch would put its own right. */
async function send(
  path: string,
  {
    method = 'GET',
    headers = {},
    body,
    to = daemon,
  }: { method?: string; headers?: Record<string, string>; body?: string; to?: TestDaemon } = {},
): Promise<Answer> {
  const sent = request(`${to.address}${path}`, { method, headers });
  sent.end(body);
  const [answer] = (await once(sent, 'response')) as [import('node:http').IncomingMessage];
  return { status: answer.statusCode ?? 0, headers: answer.headers, body: await text(answer) };
}

const known = (): Record<string, string> => ({ authorization: `Bearer ${daemon.token}` });
const asJson = (): Record<string, string> => ({ ...known(), 'content-type': 'application/json' });
const job = JSON.stringify({ command: ['true'], workingDirectory: '/' });

describe('a browser that is steered by somebody else', () => {
  it.each(['evil.example', 'evil.example:7700', 'localhost.evil.example', 'localhost@evil.example'])(
    'is refused with the Host %j, whose name may have been rebound to this address',
    async (host) => {
      const { status, body } = await send('/v1/jobs', { headers: { ...known(), host } });
      expect(status).toBe(403);
      expect(body).toContain('urn:berth:problem:forbidden');
    },
  );

  it.each(['localhost', 'LOCALHOST.:1234', '127.0.0.1:9', '[::1]', '10.1.2.3', 'gpu.lab.example:443'])(
    'is let in with the Host %j',
    async (host) => {
      expect((await send('/v1/jobs', { headers: { ...known(), host } })).status).toBe(200);
    },
  );

  it.each([
    'https://evil.example',
    'null',
    'http://localhost:3000',
    'file://',
    'https://lab.example.evil.example',
  ])('is refused with the Origin %j, even with a token', async (origin) => {
    for (const method of ['GET', 'POST', 'OPTIONS']) {
      const headers = { ...asJson(), origin, 'access-control-request-method': 'POST' };
      const answer = await send('/v1/jobs', { method, headers, ...(method === 'POST' ? { body: job } : {}) });
      expect(answer.status).toBe(403);
      expect(answer.headers['access-control-allow-origin']).toBeUndefined();
    }
  });

  it('is refused where it says that the request is from another site', async () => {
    const headers = { ...known(), 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors' };
    expect((await send('/v1/jobs', { headers })).status).toBe(403);
    expect((await send('/v1/jobs', { headers: { ...headers, 'sec-fetch-mode': 'navigate' } })).status).toBe(
      200,
    );
  });

  it('is let in from our own pages, and from those that the settings name', async () => {
    expect((await send('/v1/jobs', { headers: { ...known(), origin: daemon.address } })).status).toBe(200);
    const allowed = { origin: 'https://lab.example' };
    const answer = await send('/v1/jobs', { headers: { ...known(), ...allowed } });
    expect([answer.status, answer.headers['access-control-allow-origin']]).toEqual([
      200,
      'https://lab.example',
    ]);
    const asked = { ...allowed, 'access-control-request-method': 'POST' };
    expect((await send('/v1/jobs', { method: 'OPTIONS', headers: asked })).status).toBe(204);
    // It still needs a token.
    expect((await send('/v1/jobs', { headers: allowed })).status).toBe(401);
  });

  it.each([
    'text/plain',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'text/json',
  ])('can not send a job as %s, which needs no leave of ours', async (type) => {
    const answer = await send('/v1/jobs', {
      method: 'POST',
      headers: { ...known(), 'content-type': type },
      body: job,
    });
    expect(answer.status).toBe(415);
  });
});

describe('whoever guesses tokens', () => {
  const guess = (headers: Record<string, string> = {}, to = daemon) =>
    send('/v1/jobs', { headers: { authorization: `Bearer berth_${crypto.randomUUID()}`, ...headers }, to });

  it('is told to wait after twenty, whatever address they claim; who has a right token is not', async () => {
    await daemon.post('/v1/users', { name: 'ada' });
    const [first, second] = await Promise.all(
      [1, 2].map(async () => {
        const made = await daemon.post('/v1/users/ada/tokens', {});
        return ((await made.json()) as { token: string }).token;
      }),
    );
    const as = (token?: string) => send('/v1/me', { headers: { authorization: `Bearer ${token}` } });
    expect((await as(first)).status).toBe(200);
    const statuses: number[] = [];
    for (let i = 0; i < 22; i += 1) statuses.push((await guess({ 'x-forwarded-for': `10.0.0.${i}` })).status);
    expect(statuses).toEqual([...Array<number>(20).fill(401), 429, 429]);
    const { headers, body } = await guess();
    expect(Number(headers['retry-after'])).toBeGreaterThan(50);
    expect(body).toContain('urn:berth:problem:too_many_attempts');
    // Who was known before isn't locked out by a neighbour; a token that nobody has seen yet waits with the guesses.
    expect((await as(first)).status).toBe(200);
    expect((await as(second)).status).toBe(429);
    expect((await send('/v1/me', { headers: known() })).status).toBe(200);
  });

  it('is counted by the address that a trusted proxy names, and by no other', async () => {
    const config = join(settings, 'proxy.yaml');
    writeFileSync(config, `trustedProxies: ["${PROXY}"]\n`);
    const behind = await TestDaemon.start('1xH100-80GB', '--config', config);
    try {
      for (let i = 0; i < 20; i += 1) await guess({ 'x-forwarded-for': '10.0.0.1' }, behind);
      expect((await guess({ 'x-forwarded-for': '10.0.0.1' }, behind)).status).toBe(429);
      expect((await guess({ 'x-forwarded-for': '10.0.0.2' }, behind)).status).toBe(401);
      const host = { 'x-forwarded-host': 'evil.example', authorization: `Bearer ${behind.token}` };
      expect((await send('/v1/me', { headers: host, to: behind })).status).toBe(403);
    } finally {
      await behind.destroy();
    }
  });

  it('a Host that only claims to come through a proxy is the one of the connection', async () => {
    const headers = { ...known(), 'x-forwarded-host': 'evil.example' };
    expect((await send('/v1/me', { headers })).status).toBe(200);
  });
});

it('every answer, good or bad, tells browsers what it is not', async () => {
  const { id } = await daemon.shell('echo hello');
  await daemon.ended({ id });
  const answers = await Promise.all([
    send('/v1/jobs', { headers: known() }),
    send(`/v1/jobs/${id}/logs`, { headers: known() }),
    send('/healthz'),
    send('/v1/jobs'),
    send('/nothing', { headers: known() }),
    send('/v1/jobs?limit=0', { headers: known() }),
    send('/v1/jobs', { headers: { ...known(), host: 'evil.example' } }),
    send('/v1/jobs', { method: 'POST', headers: asJson(), body: '{' }),
  ]);
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 401, 404, 422, 403, 400]);
  for (const { headers } of answers) {
    expect(headers).toMatchObject({
      'x-content-type-options': 'nosniff',
      'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
      'x-frame-options': 'DENY',
      'referrer-policy': 'no-referrer',
      'cache-control': 'no-store',
    });
  }
});

describe('keys that every object has', () => {
  it.each([
    `{"command":["true"],"__proto__":{"user":"root"}}`,
    `{"command":["true"],"labels":{"__proto__":"x"}}`,
    `{"command":["true"],"environment":{"__proto__":"x"}}`,
    `{"command":["true"],"constructor":{"prototype":{"user":"root"}}}`,
    `{"command":["true"],"user":"constructor"}`,
    `{"command":["true"],"user":"__proto__"}`,
  ])('%s is refused', async (body) => {
    const answer = await send('/v1/jobs', { method: 'POST', headers: asJson(), body });
    expect([400, 422]).toContain(answer.status);
  });

  it.each([
    '/v1/jobs?__proto__=1',
    '/v1/jobs?constructor=1',
    '/v1/users/constructor/tokens',
    '/v1/jobs/__proto__',
  ])('%s finds nothing', async (path) => {
    expect([404, 422]).toContain((await send(path, { headers: known() })).status);
  });
});

it.each([
  '/v1/jobs/..%2f..%2fetc%2fpasswd/logs',
  '/v1/jobs/1/logs?rank=../../etc',
  '/v1/jobs/1/logs?attempt=../1',
  '/v1/jobs/1/logs?stream=../exit.json',
  '/v1/devices/..%2f..%2fetc/history',
  '/v1/../../etc/passwd',
])('a path is never made of what a user sent: %s', async (path) => {
  const answer = await send(path, { headers: known() });
  expect([404, 422]).toContain(answer.status);
  expect(answer.body).not.toContain('root:');
});

describe('a client that takes its time', () => {
  it.each([
    ['in the middle of its headers', 'GET /v1/jobs HTTP/1.1\r\nHost: localhost\r\nX-Slow: '],
    [
      'in the middle of its body',
      'POST /v1/jobs HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 100\r\nAuthorization: Bearer TOKEN\r\n\r\n{"comm',
    ],
  ])('is cut %s', async (_where, begun) => {
    const { port } = new URL(daemon.address);
    const socket = connect(Number(port), '127.0.0.1');
    let answer = '';
    socket.on('data', (data) => {
      answer += data;
    });
    socket.write(begun.replace('TOKEN', daemon.token));
    const began = Date.now();
    await once(socket, 'close');
    expect(Date.now() - began).toBeLessThan(30_000);
    expect(answer).toMatch(/^(HTTP\/1\.1 408|$)/);
    expect((await send('/healthz')).status).toBe(200);
  });
});

it('what is secret in a job is in no log, not even when Redis refuses it', async () => {
  const secret = `hunter${Date.now()}`;
  const environment = { WANDB_API_KEY: `${secret}-env` };
  const body = { command: ['sh', '-c', `: ${secret}-arg`], workingDirectory: '/', environment };
  const submitted = await daemon.submit(body);
  await daemon.ended(submitted);
  await daemon.post('/v1/jobs', { ...body, gpus: 'many' });
  await daemon.post('/v1/jobs', { ...body, workingDirectory: '/no/where' });
  const redis = new Redis(join(daemon.dataDirectory, 'redis', 'redis.sock'));
  try {
    await redis.config('SET', 'maxmemory', '1');
    const refused = await daemon.post('/v1/jobs', body);
    expect(refused.status).toBeGreaterThanOrEqual(500);
    expect(await refused.text()).not.toContain(secret);
  } finally {
    await redis.config('SET', 'maxmemory', '0');
    redis.disconnect();
  }
  const workers = join(daemon.dataDirectory, 'workers');
  const logs = readdirSync(workers)
    .filter((name) => name.endsWith('.log'))
    .map((name) => readFileSync(join(workers, name), 'utf8'));
  await eventually(
    () => daemon.output,
    (output) => /OOM|maxmemory/.test(output),
  );
  for (const log of [daemon.output, ...logs]) {
    expect(log).not.toContain(secret);
    expect(log).not.toContain(daemon.token);
  }
});

it('what would steer a terminal does not get there by the name of a job', async () => {
  const name = 'a\u001b]0;owned\u0007\u001b[2J\u009b31mb';
  const { number } = await daemon.submit({
    command: ['true'],
    workingDirectory: '/',
    name,
    labels: { l: name },
  });
  const berth = new URL('../../apps/cli/bin/berth.js', import.meta.url).pathname;
  for (const verb of [['ls'], ['show', String(number)], ['explain', String(number)]]) {
    const argv = [berth, ...verb, '--data-dir', daemon.dataDirectory];
    const { stdout, stderr } = spawnSync(process.execPath, argv, { encoding: 'utf8' });
    // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what is looked for
    expect(stdout + stderr).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/);
  }
});

describe('the network beyond this host', () => {
  const berthd = new URL('../../apps/daemon/bin/berthd.js', import.meta.url).pathname;

  it.each(['0.0.0.0:0', '[::]:0', '10.1.2.3:7700'])(
    'is not listened to on %s without TLS or an explicit word',
    (listen) => {
      const argv = [
        berthd,
        '--data-dir',
        join(settings, 'data'),
        '--listen',
        listen,
        '--simulate',
        '1xH100-80GB',
      ];
      const { status, stderr } = spawnSync(process.execPath, argv, { encoding: 'utf8' });
      expect(status).toBe(2);
      expect(stderr).toContain(`--listen: ${listen} is open to other hosts`);
      expect(stderr).toContain('insecureListen: true');
    },
  );

  it('is listened to with certificates, and spoken to by TLS alone', async () => {
    const [key, cert] = ['key.pem', 'cert.pem'].map((name) => join(settings, name)) as [string, string];
    const subject = [
      '-subj',
      '/CN=localhost',
      '-days',
      '1',
      '-nodes',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:P-256',
    ];
    execFileSync('openssl', ['req', '-x509', ...subject, '-keyout', key, '-out', cert], { stdio: 'ignore' });
    const config = join(settings, 'tls.yaml');
    writeFileSync(config, `tls: {cert: ${cert}, key: ${key}}\n`);
    const secure = await TestDaemon.start('1xH100-80GB', '--config', config);
    try {
      const headers = { authorization: `Bearer ${secure.token}` };
      expect(secure.address).toMatch(/^https:/);
      const sent = requestTls(`${secure.address}/v1/me`, {
        headers,
        ca: readFileSync(cert),
        servername: 'localhost',
      });
      sent.end();
      const [answer] = (await once(sent, 'response')) as [import('node:http').IncomingMessage];
      expect([answer.statusCode, JSON.parse(await text(answer))]).toMatchObject([200, { role: 'admin' }]);
      const plain = fetch(secure.address.replace('https', 'http'));
      await expect(plain).rejects.toThrow();
    } finally {
      await secure.destroy();
    }
  });
});
