import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Problem } from '@berth/contract';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { eventually, TestDaemon } from '../support/daemon.js';

const SECRET = 'geheim geheim geheim';

interface Received {
  headers: IncomingHttpHeaders;
  body: string;
}

let daemon: TestDaemon;
let scratch: string;
let server: Server;
let received: Received[];
/** What the next requests are answered with; 200 when there is nothing more. */
let answers: number[];

beforeEach(async () => {
  scratch = mkdtempSync(join(tmpdir(), 'berth-hooks-'));
  received = [];
  answers = [];
  server = createServer((request, response) => {
    const pieces: Buffer[] = [];
    request.on('data', (piece: Buffer) => pieces.push(piece));
    request.on('end', () => {
      received.push({ headers: request.headers, body: Buffer.concat(pieces).toString('utf8') });
      response.writeHead(answers.shift() ?? 200, { location: '/elsewhere' }).end('x');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
afterEach(async () => {
  await daemon.destroy();
  server.closeAllConnections();
  server.close();
  rmSync(scratch, { recursive: true });
});

const url = (path = '/hook?token=verborgen') =>
  `http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`;
async function start(settings: object): Promise<void> {
  const config = join(scratch, 'berth.yaml');
  writeFileSync(config, JSON.stringify({ logLevel: 'debug', notifications: settings }));
  daemon = await TestDaemon.start('1xH100-80GB', '--config', config);
}
const allowed = { allow: ['127.0.0.0/8'], firstRetry: 0.05 };
const types = () => received.map(({ body }) => (JSON.parse(body) as { type: string }).type);
const came = (count: number) =>
  eventually(
    () => received.length,
    (length) => length >= count,
  );

/** The example of the documentation, as people copy it. */
async function documentedCheck(): Promise<
  (secret: string, header: unknown, body: string, now?: number) => boolean
> {
  const text = readFileSync(new URL('../../docs/notifications.md', import.meta.url), 'utf8');
  const file = join(scratch, 'check.mjs');
  writeFileSync(file, /```js\n([\s\S]*?)```/.exec(text)?.[1] as string);
  return (await import(file)).isFromBerth;
}

it('a receiver that fails twice gets the same message a third time, signed as the documentation says', async () => {
  await start(allowed);
  answers = [500, 302];
  const job = await daemon.shell('exit 3', { name: 'train', notify: [{ url: url(), secret: SECRET }] });
  await came(3);
  expect(new Set(received.map(({ body }) => body)).size).toBe(1);
  const [{ headers, body }] = received as [Received];
  const message = JSON.parse(body);
  expect(message).toMatchObject({
    type: 'job.failed',
    job: { id: job.id, name: 'train', state: 'failed', attempt: 1, cause: { exitCode: 3 } },
  });
  expect(message.job).not.toHaveProperty('environment');
  expect([headers['berth-delivery'], headers['berth-event']]).toEqual([message.id, 'job.failed']);

  const isFromBerth = await documentedCheck();
  for (const each of received)
    expect(isFromBerth(SECRET, each.headers['berth-signature'], each.body)).toBe(true);
  expect(isFromBerth(SECRET, headers['berth-signature'], body.replace('train', 'other'))).toBe(false);
  expect(isFromBerth('another secret than that', headers['berth-signature'], body)).toBe(false);
  expect(isFromBerth(SECRET, headers['berth-signature'], body, Date.now() + 600_000)).toBe(false);
});

it('of a webhook only its host is shown, and nothing of it is logged', async () => {
  await start(allowed);
  answers = [500];
  const job = await daemon.shell('true', { notify: [{ url: url(), events: ['succeeded'], secret: SECRET }] });
  await came(2);
  const shown = await (await daemon.request(`/v1/jobs/${job.id}`)).text();
  expect(JSON.parse(shown).notify).toEqual([
    { url: `${new URL(url()).origin}/…`, events: ['succeeded'], signed: true },
  ]);
  const plan = { cron: '0 0 1 1 *', job: { command: ['true'], notify: [{ url: url(), secret: SECRET }] } };
  const schedule = await (await daemon.post('/v1/schedules', plan)).text();
  for (const text of [shown, schedule, daemon.output]) expect(text).not.toMatch(/geheim|verborgen/);
});

it('the settings hear of every job, of the events that they name; what happened while no daemon ran is told later', async () => {
  await start({ ...allowed, webhooks: [{ url: url(), events: ['started', 'ended'] }] });
  const first = await daemon.shell('true');
  await came(2);
  expect(types().sort()).toEqual(['job.started', 'job.succeeded']);
  const second = await daemon.shell(`until [ -e ${scratch}/end ]; do sleep 0.02; done`);
  await came(3);
  await daemon.kill();
  writeFileSync(join(scratch, 'end'), '');
  await daemon.start();
  await came(4);
  expect(JSON.parse(received.at(-1)?.body as string)).toMatchObject({
    type: 'job.succeeded',
    job: { id: second.id },
  });
  expect(received.filter(({ body }) => body.includes(first.id))).toHaveLength(2);
});

it('this host is not sent to unless that is allowed: refused at once for a job, and given up for the settings', async () => {
  await start({ firstRetry: 0.05, webhooks: [{ url: url() }] });
  const refused = await daemon.post('/v1/jobs', { command: ['true'], notify: [{ url: url() }] });
  expect(((await refused.json()) as Problem).errors).toEqual([
    {
      pointer: '#/notify/0/url',
      detail: expect.stringMatching(/^127.0.0.1 is an address of this host .*notifications.allow/),
    },
  ]);
  await daemon.shell('true');
  await eventually(
    () => daemon.output,
    (output) => /127.0.0.1 is an address of this host.*it is given up/.test(output),
  );
  expect(received).toEqual([]);
});
