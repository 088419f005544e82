import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, renameSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DeviceList, DoctorReport, Finding, Job, Problem } from '@berth/contract';
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { eventually, TestDaemon } from '../support/daemon.js';
import { type Family, parseExposition, valueIn } from '../support/exposition.js';

/** Who isn't root has no disk to fill. */
const isRoot = process.getuid?.() === 0;
const DISK_BYTES = 64 * 2 ** 20;

let settings: string;
let daemon: TestDaemon;
let redis: Redis;
let job: Job;
let scraper: { authorization: string };
const pathOf = (name: string): string => join(daemon.dataDirectory, name);

beforeAll(async () => {
  settings = mkdtempSync(join(tmpdir(), 'berth-degraded-'));
  // Its jobs all fail, on the same device.
  writeFileSync(join(settings, 'berth.yaml'), 'quickFailures: 0\n');
  daemon = new TestDaemon('2xH100-80GB', ['--config', join(settings, 'berth.yaml')]);
  if (isRoot)
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${DISK_BYTES}`, 'tmpfs', daemon.dataDirectory]);
  await daemon.start();
  redis = new Redis(pathOf('redis/redis.sock'), { retryStrategy: () => 20 });
  redis.on('error', () => undefined);
  await daemon.post('/v1/users', { name: 'prometheus', role: 'viewer' });
  const made = await daemon.post('/v1/users/prometheus/tokens', { name: 'scrape' });
  scraper = { authorization: `Bearer ${((await made.json()) as { token: string }).token}` };
});
afterAll(async () => {
  redis.disconnect();
  if (isRoot) {
    await daemon.end();
    execFileSync('umount', ['--lazy', daemon.dataDirectory]);
  }
  await daemon.destroy();
  rmSync(settings, { recursive: true });
});
beforeEach(async () => {
  rmSync(pathOf('end'), { force: true });
  job = await daemon.shell(`echo on it; until [ -e ${pathOf('end')} ]; do sleep 0.05; done; exit 7`, {
    devices: '1',
  });
  await daemon.until(job, 'running');
});
afterEach(async () => {
  writeFileSync(pathOf('end'), '');
  expect(await daemon.ended(job)).toMatchObject({ cause: { code: 'exit_code', exitCode: 7 } });
});

const readiness = async (): Promise<string> => (await daemon.request('/readyz')).text();
const isReady = (said: string): boolean => said.includes('"ok"');

/** As Prometheus does, whose token only the ledger knows. */
async function scrape(): Promise<Map<string, Family>> {
  const response = await fetch(`${daemon.address}/metrics`, { headers: scraper });
  expect(response.status).toBe(200);
  return parseExposition(await response.text());
}

/** Prometheus is told why and since when, and how many writes were refused. */
async function expectTold(code: string, since: number): Promise<Map<string, Family>> {
  const told = await scrape();
  expect(valueIn(told, 'berth_ready')).toBe(0);
  const noticed = valueIn(told, 'berth_not_ready_since_timestamp_seconds', { code }) as number;
  // It counts from the last look that was answered, which a busy host may have put off.
  expect(noticed).toBeGreaterThan(since / 1000 - 10);
  expect(noticed).toBeLessThanOrEqual(Date.now() / 1000);
  expect(valueIn(told, 'berth_ledger_refusals_total', { code, access: 'write' })).toBe(2);
  return told;
}

function submit(): Promise<Response> {
  const submission = { command: ['true'], workingDirectory: '/', devices: '0' };
  return daemon.post('/v1/jobs', submission, { 'idempotency-key': `after-${job.id}` });
}

/** Refused as what it is, with when to come again; and taken once, however often it is sent, when all is well. */
async function expectHonestRefusal(why: RegExp): Promise<void> {
  for (const refused of [await submit(), await submit()]) {
    expect(refused.status).toBe(503);
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(refused.headers.get('content-type')).toMatch('application/problem+json');
    expect(((await refused.json()) as Problem).detail).toMatch(why);
  }
}

async function expectTakenOnce(): Promise<void> {
  await eventually(readiness, isReady);
  const [first, second] = await Promise.all([submit(), submit()]).then((all) =>
    Promise.all(all.map((each) => each.json() as Promise<Job>)),
  );
  expect(second?.id).toBe(first?.id);
  const told = await scrape();
  expect(valueIn(told, 'berth_ready')).toBe(1);
  expect(told.get('berth_not_ready_since_timestamp_seconds')?.samples).toEqual([]);
  expect((await daemon.ended(first as Job)).state).toBe('succeeded');
}

/** Running jobs are told of, as they were and with their age; and their output, which isn't in the ledger, as it is. */
async function expectRunningJobsRemembered(): Promise<void> {
  for (const reference of [job.id, job.number]) {
    const answer = await daemon.request(`/v1/jobs/${reference}`);
    expect(await answer.json()).toMatchObject({
      id: job.id,
      state: 'running',
    });
    expect(Number(answer.headers.get('age'))).toBeGreaterThan(0);
  }
  const running = await (await daemon.request('/v1/jobs?state=running,stopping')).json();
  expect(running).toMatchObject({ items: [{ id: job.id }], nextCursor: null });
  expect(await daemon.logs(job)).toBe('on it\n');

  for (const unknown of ['/v1/jobs', '/v1/jobs?state=pending', '/v1/jobs/4711', '/v1/jobs/4711/logs'])
    expect((await daemon.request(unknown)).status).toBe(503);
}

/** What runs is remembered once a second; the ETag of devices tells when. */
async function lookedAtTwice(): Promise<void> {
  const round = async (): Promise<number> => {
    const tag = (await daemon.request('/v1/devices')).headers.get('etag') as string;
    return Number(tag.split('.')[1]);
  };
  const first = await round();
  await eventually(round, (now) => now >= first + 2);
}

/** What `berth doctor` says of Redis. */
async function examined(): Promise<Finding[]> {
  const answer = await daemon.request('/v1/doctor?python=/no/such');
  return ((await answer.json()) as DoctorReport).findings.filter(({ area }) => area === 'redis');
}

describe('while Redis', () => {
  it('does not answer, devices are shown as they were, with their age, and writes are refused', async () => {
    await lookedAtTwice();
    await scrape();
    const since = Date.now();
    const pid = daemon.holderOf('redis/redis.lock');
    process.kill(pid, 'SIGSTOP');
    try {
      expect(await eventually(readiness, (said) => !isReady(said))).toMatch(
        `its process ${pid} was stopped (SIGSTOP): kill -CONT ${pid} lets it go on`,
      );
      const list = (await (await daemon.request('/v1/devices')).json()) as DeviceList;
      expect(list.ledgerAgeSeconds).toBeGreaterThan(1);
      expect(list.items[1]?.holders.map((holder) => holder.job)).toEqual([job.id]);
      await expectRunningJobsRemembered();
      await expectHonestRefusal(/Redis has not answered/);
      expect(await examined()).toMatchObject([
        { level: 'problem', sentence: expect.stringMatching(/Redis has not answered for \d+ s/) },
      ]);
      const told = await expectTold('unanswered', since);
      expect(valueIn(told, 'berth_ledger_refusals_total', { code: 'unanswered', access: 'read' })).toBe(4);
      expect(valueIn(told, 'berth_ledger_up')).toBe(0);
      expect(told.get('berth_jobs')).toBeUndefined();
      expect(valueIn(told, 'berth_device_held_ratio', { gpu: '1' })).toBe(1);
    } finally {
      process.kill(pid, 'SIGCONT');
    }
    await expectTakenOnce();
    const list = (await (await daemon.request('/v1/devices')).json()) as DeviceList;
    expect(list.ledgerAgeSeconds).toBeNull();
  });

  it('does not come up again, why is said as far as Berth knows', async () => {
    await scrape();
    const manifest = pathOf('redis/appendonlydir/appendonly.aof.manifest');
    const whole = readFileSync(manifest);
    writeFileSync(manifest, 'no manifest');
    process.kill(daemon.holderOf('redis/redis.lock'), 'SIGKILL');
    try {
      expect(await eventually(readiness, (said) => /it has died/.test(said))).toMatch(
        /Redis has not answered .* it has died \(exit code 1\), .* its log is .*redis\.log/,
      );
    } finally {
      writeFileSync(manifest, whole);
    }
    await expectTakenOnce();
  });

  it('is full, writes are refused, and what ends is written down when there is room', async () => {
    await scrape();
    const since = Date.now();
    await redis.config('SET', 'maxmemory', '1');
    expect(await readiness()).toMatch(/Redis is full/);
    await expectHonestRefusal(/Redis is full/);
    expect(await examined()).toContainEqual(
      expect.objectContaining({
        level: 'problem',
        sentence: expect.stringMatching(/Redis is full/) as string,
      }),
    );
    const told = await expectTold('full', since);
    expect(valueIn(told, 'berth_jobs', { state: 'running' })).toBe(1);
    writeFileSync(pathOf('end'), '');
    expect((await daemon.job(job)).state).toBe('running');
    await redis.config('SET', 'maxmemory', '0');
    await expectTakenOnce();
  });

  it.runIf(isRoot)(
    'has no room on its disk, all who ask are told so, and the workers and the log bear it',
    async () => {
      const workers = await daemon.allWorkers();
      const before = daemon.output.length;
      const { bavail, bsize } = statfsSync(daemon.dataDirectory);
      try {
        writeFileSync(pathOf('filler'), Buffer.alloc(bavail * bsize));
        // More than the last block of its file still takes.
        redis.set('filler', 'x'.repeat(2 * bsize)).catch(() => undefined);
        expect(await eventually(readiness, (said) => !isReady(said))).toMatch(/the disk of .* is full/);
        const refusal = async (): Promise<string> => ((await (await submit()).json()) as Problem).detail;
        expect(await eventually(refusal, (said) => /has not answered/.test(said))).toMatch(
          /the disk of .* is full \(0 B free\): make room there/,
        );
        expect(await readiness()).toMatch(/the disk of .* is full/);
        await eventually(
          () => daemon.output,
          (said) => said.includes('the private Redis could not be started'),
        );
      } finally {
        rmSync(pathOf('filler'));
      }
      await expectTakenOnce();
      expect(await daemon.allWorkers()).toEqual(workers);
      const said = daemon.output.slice(before);
      expect(said.match(/the private Redis (has died|could not be started)/g)).toHaveLength(2);
      expect(said).not.toMatch(/a tick failed|the queue of notifications failed|"stack"/);
    },
  );

  it.each(['/v1/jobs/4711', '/v1/schedules'])(
    'was just emptied, and nobody has noticed, %s is neither missing nor empty',
    async (path) => {
      const identity = (await redis.getdel('{berth}:identity')) as string;
      const { status } = await daemon.request(path);
      await redis.set('{berth}:identity', identity);
      expect(status).toBe(503);
      await eventually(readiness, isReady);
    },
  );

  it('was emptied, nothing is scheduled or taken, and a daemon does not start afresh over what runs', async () => {
    const backup = pathOf('backup');
    cpSync(pathOf('redis/appendonlydir'), backup, { recursive: true });
    await scrape();
    const since = Date.now();
    await redis.flushall();
    expect(await eventually(readiness, (said) => !isReady(said))).toMatch(
      /it was emptied.*1 of its tasks still runs/,
    );
    await expectHonestRefusal(/it was emptied(?!.*Try again)/);
    expect(await examined()).toContainEqual(expect.objectContaining({ id: 'ledger', level: 'problem' }));
    await expectTold('wrong_ledger', since);

    await daemon.kill();
    await expect(daemon.start()).rejects.toThrow(/berthd: Redis holds nothing of this ledger any more/);
    process.kill(daemon.holderOf('redis/redis.lock'), 'SIGKILL');
    rmSync(pathOf('redis/appendonlydir'), { recursive: true });
    cpSync(backup, pathOf('redis/appendonlydir'), { recursive: true });
    await daemon.start();
    expect((await daemon.job(job)).state).toBe('running');
    await expectTakenOnce();
  });
});

it('a folder of jobs that was moved away is told', async () => {
  renameSync(pathOf('jobs'), pathOf('elsewhere'));
  const said = await readiness();
  renameSync(pathOf('elsewhere'), pathOf('jobs'));
  expect(JSON.parse(said)).toEqual({
    status: 'unavailable',
    detail: expect.stringContaining(
      `ENOENT: no such file or directory, statfs '${pathOf('jobs')}'`,
    ) as string,
  });
  await eventually(readiness, isReady);
});
