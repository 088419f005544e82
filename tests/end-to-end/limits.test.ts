import type { JobList, Problem } from '@berth/contract';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { TestDaemon } from '../support/daemon.js';

let daemon: TestDaemon;
beforeAll(async () => {
  daemon = await TestDaemon.start('1xH100-80GB');
});
afterAll(() => daemon.destroy());

const command = ['true'];
const many = (count: number, entry: (i: number) => [string, string]): Record<string, string> =>
  Object.fromEntries(Array.from({ length: count }, (_, i) => entry(i)));

it.each([
  [
    'an environment of more than 1 MiB',
    { environment: many(9, (i) => [`V${i}`, 'x'.repeat(125_000)]) },
    '#/environment',
    /1\.1 MiB in all; at most 1 MiB.*file/,
  ],
  [
    'as much in letters of several bytes',
    { environment: many(9, (i) => [`V${i}`, 'ü'.repeat(62_500)]) },
    '#/environment',
    /1\.1 MiB in all/,
  ],
  [
    'more than 1,024 variables',
    { environment: many(1025, (i) => [`V${i}`, '']) },
    '#/environment',
    /at most 1024 variables; these are 1025/,
  ],
  ['more than 64 labels', { labels: many(65, (i) => [`l${i}`, '']) }, '#/labels', /at most 64 labels/],
  ['more than 1,000 dependencies', { after: Array.from({ length: 1001 }, () => 1) }, '#/after', /1000/],
  ['more than 4,096 arguments', { command: Array.from({ length: 4097 }, () => 'x') }, '#/command', /4096/],
  ['an argument longer than the system takes', { command: ['x'.repeat(131_072)] }, '#/command/0', /131071/],
])('refuses %s', async (_name, job, pointer, detail) => {
  const response = await daemon.post('/v1/jobs', { command, ...job });
  expect(response.status).toBe(422);
  expect(((await response.json()) as Problem).errors).toContainEqual({
    pointer,
    detail: expect.stringMatching(detail) as unknown as string,
  });
});

it('takes what is just within them', async () => {
  const environment = many(8, (i) => [`V${i}`, 'x'.repeat(131_000)]);
  const job = await daemon.shell('printf %s "$V7" | wc -c', { environment });
  await daemon.ended(job);
  expect((await daemon.logs(job)).trim()).toBe('131000');
});

it.each([
  ['/v1/jobs', { command, labels: { a: 'x'.repeat(5 * 2 ** 20) } }, /too large/],
  ['/v1/jobs/batch', { jobs: [{ command, script: 'x'.repeat(65 * 2 ** 20) }] }, /too large/],
])('refuses a body that is too large for %s', async (path, body, detail) => {
  const response = await daemon.post(path, body);
  expect(response.status).toBe(413);
  expect(await response.json()).toMatchObject({
    type: 'urn:berth:problem:payload_too_large',
    detail: expect.stringMatching(detail) as unknown as string,
  });
});

it('refuses a batch of more than 10,000 jobs', async () => {
  const jobs = Array.from({ length: 10_001 }, () => ({ command }));
  const response = await daemon.post('/v1/jobs/batch', { jobs });
  const problem = (await response.json()) as Problem;
  expect([response.status, problem.errors?.[0]?.pointer]).toEqual([422, '#/jobs']);
  expect(problem.detail).toMatch(/10000/);
});

it.each([
  ['/v1/jobs?limit=1001', 'limit', /1000/],
  ['/v1/jobs/1/logs?tail=1000001', 'tail', /1000000/],
  [`/v1/jobs?${'label=a&'.repeat(33)}`, 'label', /at most 32 values/],
])('refuses %s', async (path, pointer, detail) => {
  const response = await daemon.request(path);
  expect(response.status).toBe(422);
  expect(((await response.json()) as Problem).errors).toEqual([
    { pointer, detail: expect.stringMatching(detail) as unknown as string },
  ]);
});

it('makes nothing twice, whatever it is that makes something', async () => {
  const schedule = { cron: '0 0 1 1 *', job: { command, workingDirectory: '/' } };
  const made = (await (await daemon.post('/v1/schedules', schedule)).json()) as { id: string };
  for (const [path, body, other] of [
    [
      '/v1/jobs',
      { command, workingDirectory: '/', hold: true },
      { command: ['false'], workingDirectory: '/' },
    ],
    [
      '/v1/jobs/batch',
      { jobs: [{ command, workingDirectory: '/' }] },
      { jobs: [{ command: ['false'], workingDirectory: '/' }] },
    ],
    ['/v1/schedules', schedule, { ...schedule, cron: '0 0 2 1 *' }],
    [`/v1/schedules/${made.id}/run`, undefined, null],
  ] as const) {
    const key = { 'idempotency-key': `key of ${path}` };
    const send = (what: unknown): Promise<Response> =>
      what === undefined
        ? daemon.request(path, { method: 'POST', headers: key })
        : daemon.post(path, what, key);
    const [first, second] = [await send(body), await send(body)];
    expect([first.status, second.status]).toEqual([201, 200]);
    const [one, again] = (await Promise.all([first.json(), second.json()])) as { id: string }[];
    expect(again?.id).toBe(one?.id);
    if (other !== null) expect((await send(other)).status).toBe(409);
  }
  const { items } = (await (await daemon.request('/v1/jobs?limit=1000')).json()) as JobList;
  // The one within the limits above, then one of each.
  expect(items).toHaveLength(4);
});
