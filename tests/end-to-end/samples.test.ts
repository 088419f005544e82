import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { parse } from 'yaml';
import { TestDaemon } from '../support/daemon.js';
import { ApiDocument, type Operation } from '../support/document.js';

const MARK = '\n---- ';
const document = new ApiDocument();
let daemon: TestDaemon;
beforeAll(async () => {
  daemon = await TestDaemon.start('8xH100-80GB');
});
afterAll(() => daemon.destroy());

const LONG = { command: ['sleep', '60'], workingDirectory: '/' };

/** What a sample names, in the state that its operation is for. */
async function named({ id, sample }: Operation): Promise<Record<string, string>> {
  const made = async (path: string, body: object): Promise<string> =>
    ((await (await daemon.post(path, body)).json()) as { id: string }).id;
  if (sample.includes('$GROUP')) return { GROUP: await made('/v1/jobs/batch', { jobs: [LONG] }) };
  if (sample.includes('$NAME') || sample.includes('$TOKEN')) {
    const name = `user${id}`;
    await daemon.post('/v1/users', { name, role: 'user' });
    return { NAME: name, TOKEN: await made(`/v1/users/${name}/tokens`, {}) };
  }
  if (sample.includes('$FILE')) {
    const file = join(daemon.dataDirectory, 'exported.jsonl');
    writeFileSync(file, await (await daemon.request('/v1/ledger')).text());
    return { FILE: file };
  }
  if (sample.includes('$SCHEDULE'))
    return { SCHEDULE: await made('/v1/schedules', { cron: '0 0 1 1 *', job: LONG }) };
  if (id === 'drillJob') {
    const script = 'trap : USR1; while :; do sleep 0.1; done';
    const job = await daemon.shell(script, { checkpointSignal: 'SIGUSR1', gracePeriod: 1 });
    return { JOB: (await daemon.until(job, 'running')).id };
  }
  const job = await daemon.shell('true', { hold: true });
  if (id === 'requeueJob') await daemon.cancel(job);
  return { JOB: job.id };
}

it('says of every operation what it does, and shows how', () => {
  expect(document.operations.filter(({ id, description, sample }) => !id || !description || !sample)).toEqual(
    [],
  );
});

it.each(document.operations.map(({ id }) => id))('the sample of %s works as it is', async (id) => {
  const operation = document.operations.find((each) => each.id === id);
  if (!operation) throw new Error('it is gone');
  // Nobody else would have a daemon afterwards; and that has to be empty.
  const own = id === 'shutDown' || id === 'importLedger' ? await TestDaemon.start('1xH100-80GB') : null;
  const { address, token } = own ?? daemon;
  const access = { BERTH_URL: address, BERTH_TOKEN: token };
  const env = { ...process.env, ...access, ...(await named(operation)) };
  // An endless answer is as good as its beginning.
  const endless = operation.sample.includes(' -N ');
  const script = operation.sample.replace(
    'curl',
    `curl -s ${endless ? '--max-time 3' : ''} -w '${MARK}%{http_code} %{content_type}'`,
  );
  const run = promisify(execFile)('sh', ['-c', script], { env });
  const { stdout } = await run.catch((error: { stdout: string }) => error);
  const [body = '', told = ''] = stdout.split(MARK);
  const [status = '', type = ''] = told.split(/ (.*)/);
  await own?.destroy();
  expect(status, body).toMatch(/^2/);
  expect(document.problemOf(operation, Number(status), type, body)).toBe(null);
  if (endless) expect(body).toContain('event: job.submitted');
});

it('is a page to read that needs no token and no other host', async () => {
  const open = (path: string): Promise<Response> => fetch(`${daemon.address}${path}`);
  const page = await open('/docs/');
  const html = await page.text();
  expect([page.status, page.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8']);
  expect(page.headers.get('content-security-policy')).toMatch(/default-src 'none'/);
  expect(page.headers.get('content-security-policy')).not.toMatch(/https?:/);
  const assets = [...html.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, path]) => path as string);
  expect(assets.length).toBeGreaterThan(3);
  for (const path of assets) {
    expect(path).toMatch(/^[./]/);
    expect((await fetch(new URL(path, `${daemon.address}/docs/`))).status).toBe(200);
  }
  const json = (await (await open('/openapi.json')).json()) as { servers: unknown; paths: object };
  expect(json.servers).toEqual([{ url: '/' }]);
  const yaml = await open('/openapi.yaml');
  expect(yaml.headers.get('content-type')).toMatch(/^application\/yaml/);
  expect(Object.keys(parse(await yaml.text()).paths)).toEqual(Object.keys(json.paths));
  expect((await open('/v1/jobs')).status).toBe(401);
});
