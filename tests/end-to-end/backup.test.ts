import { execFile, execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Device, DoctorReport, Job, LedgerImport, Problem } from '@berth/contract';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually, TestDaemon } from '../support/daemon.js';

const BERTH = new URL('../../apps/cli/bin/berth.js', import.meta.url).pathname;
const BERTHD = new URL('../../apps/daemon/bin/berthd.js', import.meta.url).pathname;

let first: TestDaemon;
let second: TestDaemon;
let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'berth-backup-'));
  first = await TestDaemon.start('2xH100-80GB');
  second = await TestDaemon.start('2xH100-80GB');
});
afterAll(async () => {
  await first.destroy();
  await second.destroy();
  rmSync(folder, { recursive: true });
});

const run = (program: string, ...argv: string[]): Promise<{ code: number; output: string }> =>
  new Promise((resolve) => {
    execFile(process.execPath, [program, ...argv], (error, stdout, stderr) =>
      resolve({ code: typeof error?.code === 'number' ? error.code : 0, output: stdout + stderr }),
    );
  });
const berth = (of: TestDaemon, ...argv: string[]) => run(BERTH, ...argv, '--data-dir', of.dataDirectory);
const redisOf = ({ dataDirectory }: TestDaemon) => new Redis(join(dataDirectory, 'redis/redis.sock'));
const put = (of: TestDaemon, body: string): Promise<Response> =>
  of.request('/v1/ledger', { method: 'PUT', body });

describe('an export', () => {
  const file = () => join(folder, 'ledger.jsonl');

  it('is of one moment, while jobs come and go, and holds secrets that nobody else may read', async () => {
    const done = await first.shell('exit 3', { name: 'done' });
    await first.ended(done);
    const running = await first.shell('sleep 1000', { name: 'running' });
    await first.until(running, 'running');
    await first.shell('true', { name: 'waiting', after: [running.id] });
    await first.post('/v1/users', { name: 'ada', role: 'user' });
    await first.post('/v1/schedules', {
      cron: '0 0 1 1 *',
      job: { command: ['true'], workingDirectory: '/' },
    });
    await first.post('/v1/jobs/batch', {
      jobs: Array.from({ length: 300 }, () => ({ command: ['true'], workingDirectory: '/' })),
    });
    let going = true;
    const traffic = (async () => {
      while (going) await first.shell('true', { hold: true, devices: '1' });
    })();
    const { code, output } = await berth(first, 'export', file());
    going = false;
    await traffic;
    expect([code, output]).toEqual([0, expect.stringMatching(/^\d+ jobs, \d+ bytes, in /)]);
    expect(statSync(file()).mode & 0o777).toBe(0o600);
    const lines = readFileSync(file(), 'utf8').trimEnd().split('\n');
    expect(JSON.parse(lines[0] as string)).toMatchObject({ berth: 'ledger', schema: expect.any(Number) });
    expect(JSON.parse(lines.at(-1) as string)).toEqual({ end: true, jobs: expect.any(Number) });
  });

  it('takes the place of files alone, and goes nowhere else', async () => {
    const pipe = join(folder, 'pipe');
    execFileSync('mkfifo', [pipe]);
    for (const name of ['-', pipe]) {
      const { code, output } = await berth(first, 'export', name);
      expect([code, output]).toEqual([
        2,
        expect.stringContaining(`${name} is no file that an export could replace`),
      ]);
    }
    expect(statSync(pipe).isFIFO()).toBe(true);
  });

  it('is refused where a ledger is not empty, and where it is cut short, newer or something else', async () => {
    const taken = await berth(first, 'import', file());
    expect(taken.code).toBe(4);
    expect(taken.output).toContain('has jobs or schedules already');
    const whole = readFileSync(file(), 'utf8');
    const lines = whole.split('\n');
    const job = lines.findIndex((line) => line.startsWith('{"key":"job:'));
    for (const [body, expected] of [
      [whole.slice(0, -20), /cut short|is no JSON/],
      [lines.slice(0, -2).join('\n'), /cut short/],
      [lines.filter((_, i) => i !== job).join('\n'), /lacks jobs/],
      [whole.replace(/"schema":\d+/, '"schema":99'), /newer Berth \(its schema is 99/],
      ['{}\n', /no export of a ledger/],
      ['', /cut short/],
      [whole.replace('{"key":"job:', '{"key":"events:'), /line \d+ is no part of a ledger/],
      [
        whole.replace('"state":"pending"', '"state":"frob"'),
        /line \d+ is no job of this Berth \(job_\w+: state: expected one of/,
      ],
    ] as const) {
      const response = await put(second, body);
      expect([response.status, ((await response.json()) as Problem).detail]).toEqual([
        422,
        expect.stringMatching(expected),
      ]);
    }
    expect(await second.request('/v1/jobs').then((answer) => answer.json())).toMatchObject({ items: [] });
  });

  it('makes the same ledger elsewhere; what ran waits there until somebody has looked', async () => {
    const { code, output } = await berth(second, 'import', file(), '--json');
    const imported = JSON.parse(output) as LedgerImport;
    expect([code, imported.held]).toEqual([0, expect.any(Number)]);
    const of = (daemon: TestDaemon, name: string): Promise<Job> =>
      daemon
        .request(`/v1/jobs?name=${name}`)
        .then((answer) => answer.json() as Promise<{ items: Job[] }>)
        .then(({ items }) => items[0] as Job);
    expect(await of(second, 'done')).toEqual(await of(first, 'done'));
    const held = await of(second, 'running');
    expect(held).toMatchObject({ state: 'pending', reason: { code: 'held' }, retries: 0 });
    expect(held.attempts[0]?.cause?.sentence).toContain('it ran when the ledger was exported');
    expect(await of(second, 'waiting')).toMatchObject({ state: 'pending', reason: { code: 'dependency' } });
    for (const path of ['/v1/users/ada/tokens', '/v1/schedules', '/v1/usage'])
      expect((await second.request(path)).status).toBe(200);
    const [schedule] = ((await (await second.request('/v1/schedules')).json()) as { items: object[] }).items;
    expect(schedule).toMatchObject({ cron: '0 0 1 1 *', enabled: true });
    // It goes on there: what waited runs, and numbers go on.
    await second.request(`/v1/jobs/${held.id}/cancel`, { method: 'POST' });
    const next = await second.shell('true');
    expect(next.number).toBeGreaterThan(imported.jobs - 1);
    // Behind some hundred that waited.
    await second.logs(next, 'follow=true');
    expect((await second.ended(next)).state).toBe('succeeded');
    expect((await run(BERTHD, '--data-dir', second.dataDirectory, '--verify')).output).toBe(
      'the ledger fits together\n',
    );
  });

  it('is for admins alone', async () => {
    await first.post('/v1/users', { name: 'eve', role: 'user' });
    const { token } = (await (await first.post('/v1/users/eve/tokens', {})).json()) as { token: string };
    for (const method of ['GET', 'PUT']) {
      const response = await fetch(`${first.address}/v1/ledger`, {
        method,
        headers: { authorization: `Bearer ${token}` },
      });
      expect(response.status).toBe(403);
    }
  });
});

describe('a job whose record somebody has damaged', () => {
  const onRedis = async <T>(work: (redis: Redis) => Promise<T>): Promise<T> => {
    const redis = redisOf(second);
    return work(redis).finally(() => redis.disconnect());
  };
  const field = ({ id }: { id: string }, name: string) =>
    onRedis((redis) => redis.hget(`{berth}:job:${id}`, name));
  /** @returns what puts it right */
  const cut = async ({ id }: { id: string }, name: string): Promise<() => Promise<unknown>> => {
    const sound = (await field({ id }, name)) as string;
    const put = (value: string) => onRedis((redis) => redis.hset(`{berth}:job:${id}`, name, value));
    await put(sound.slice(0, -9));
    return () => put(sound);
  };

  it('keeps no other from running, also over a restart, is told of everywhere, and runs once it is put right', async () => {
    const damaged = await second.shell('true', { hold: true, labels: { is: 'damaged' } });
    const mend = await cut(damaged, 'needs');
    const released = await second.request(`/v1/jobs/${damaged.id}/release`, { method: 'POST' });
    expect([released.status, await released.json()]).toMatchObject([
      500,
      {
        type: 'urn:berth:problem:damaged_record',
        detail: expect.stringMatching(`^That is done, but can't be shown: job ${damaged.id} can not be read`),
      },
    ]);
    await second.stop();
    await second.start();
    const other = await second.shell('true', { labels: { is: 'damaged' } });
    expect((await second.ended(other)).state).toBe('succeeded');
    expect(second.output.split(`job ${damaged.id} can not be read`)).toHaveLength(2);
    const listed = (await (await second.request('/v1/jobs?label=is=damaged')).json()) as { items: Job[] };
    expect(listed.items.map(({ id }) => id)).toEqual([other.id]);
    expect((await second.request('/readyz')).status).toBe(200);
    expect(await (await second.request('/metrics')).text()).toContain('berth_damaged_records{kind="job"} 1');
    const findings = async () =>
      ((await (await second.request('/v1/doctor?python=/bin/false')).json()) as DoctorReport).findings.filter(
        ({ id }) => id === 'damage',
      );
    expect(await findings()).toMatchObject([
      {
        level: 'problem',
        sentence: expect.stringContaining(damaged.id),
        advice: expect.stringContaining('berth cancel'),
      },
    ]);
    const file = join(folder, 'damaged.jsonl');
    const { code, output } = await berth(second, 'export', file);
    expect([code, output]).toEqual([
      1,
      expect.stringMatching(
        new RegExp(`^\\d+ jobs, .*\\njob:${damaged.id} can not be read, and is not among them`),
      ),
    ]);
    const lines = readFileSync(file, 'utf8').split('\n');
    expect(lines.filter((line) => line.includes(`"job:${damaged.id}"`))).toEqual([
      expect.stringMatching(/^\{"damaged":/),
    ]);
    expect(lines.some((line) => line.startsWith(`{"key":"job:${other.id}"`))).toBe(true);

    await mend();
    expect((await second.ended(damaged)).state).toBe('succeeded');
    expect(await findings()).toEqual([]);
  });

  it('is not started where its worker finds that out, and goes on where it runs: its next worker adopts it once it can be read', async () => {
    const unstarted = await second.shell('true', { hold: true });
    const mendIt = await cut(unstarted, 'spec');
    await second.request(`/v1/jobs/${unstarted.id}/release`, { method: 'POST' });
    const running = await second.shell('sleep 1000', { devices: '0' });
    await second.until(running, 'running');
    const mend = await cut(running, 'spec');
    const [device] = await second.devices();
    const worker = second.workerOf(device as Device);
    process.kill(worker, 'SIGKILL');
    await eventually(
      () => readFileSync(join(second.dataDirectory, `workers/${device?.uuid}.log`), 'utf8'),
      (log) => log.includes(`job ${running.id} can not be read`),
    );
    expect((await second.ended(await second.shell('true'))).state).toBe('succeeded');
    expect((await second.devices())[0]?.holders).toMatchObject([{ job: running.id }]);
    await eventually(
      () => field(unstarted, 'state'),
      (state) => state === 'failed',
    );
    await mendIt();
    expect((await second.job(unstarted)).cause).toMatchObject({
      code: 'launch_error',
      sentence: expect.stringContaining('it could not be read in the ledger'),
    });
    await mend();
    await second.cancel(running);
    expect((await second.ended(running)).state).toBe('cancelled');
  });
});

it('what is off in a ledger is said, put right, and then fits together; a newer one starts no daemon', async () => {
  const verify = (...word: string[]) => run(BERTHD, '--data-dir', second.dataDirectory, '--verify', ...word);
  const job = await second.shell('true', { hold: true });
  const redis = redisOf(second);
  await redis.zrem('{berth}:jobs', job.id);
  redis.disconnect();
  const found = await verify();
  expect([found.code, found.output]).toEqual([
    1,
    `job ${job.id} is missing in jobs\n1 found, 1 left; --verify repair puts right what can be\n`,
  ]);
  await second.stop();
  expect(await verify('repair')).toEqual({
    code: 0,
    output: `job ${job.id} is missing in jobs: put right\n1 found, 1 put right, 0 left\n`,
  });
  expect(await verify()).toEqual({ code: 0, output: 'the ledger fits together\n' });
  await second.start();
  const newer = redisOf(second);
  await newer.set('{berth}:schema', 99);
  newer.disconnect();
  await second.stop();
  await expect(second.start()).rejects.toThrow(/this ledger was written by a newer Berth \(its schema is 99/);
});

it('a ledger that was emptied does not fit together, and a directory without one is not made into one', async () => {
  const redis = redisOf(first);
  await redis.flushall();
  redis.disconnect();
  for (const word of [[], ['repair']])
    expect(await run(BERTHD, '--data-dir', first.dataDirectory, '--verify', ...word)).toEqual({
      code: 1,
      output: expect.stringMatching(
        /^berthd: Redis holds nothing of this ledger any more: .* 1 of its tasks still runs\./,
      ),
    });
  const mistyped = join(folder, 'mistyped');
  expect(await run(BERTHD, '--data-dir', mistyped, '--verify')).toEqual({
    code: 2,
    output: `berthd: --data-dir ${mistyped}: no daemon has run there, so there is no ledger to verify\n`,
  });
  expect(existsSync(mistyped)).toBe(false);
});
