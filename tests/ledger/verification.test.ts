import type { Redis } from 'ioredis';
import { pino } from 'pino';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { DamagedRecord } from '../../apps/daemon/dist/ledger/damage.js';
import { Ledger } from '../../apps/daemon/dist/ledger/ledger.js';
import { LedgerTooNew, openSchema, SCHEMA_VERSION } from '../../apps/daemon/dist/ledger/schema.js';
import { loadScripts } from '../../apps/daemon/dist/ledger/scripts.js';
import { UserLedger } from '../../apps/daemon/dist/ledger/users.js';
import { type Flaw, verifyLedger } from '../../apps/daemon/dist/ledger/verification.js';
import type { JobId } from '../../packages/contract/dist/index.js';
import { BY_USER, HALF_LIFE, jobIn, NODE, newJob } from '../support/ledger-story.js';
import { RedisServer } from '../support/redis-server.js';

const SILENT = pino({ level: 'silent' });
const P = '{berth}';

let server: RedisServer;
let redis: Redis;
let ledger: Ledger;
let epoch: string;
beforeAll(async () => {
  server = await RedisServer.start();
  redis = server.connect();
});
afterAll(() => server.stop());

/** Jobs in every state, that wait for each other, of a group and a schedule; users and tokens. */
let jobs: Record<string, JobId>;
beforeEach(async () => {
  await redis.flushall();
  ledger = new Ledger(redis);
  await openSchema(redis, SILENT);
  epoch = await ledger.lead(NODE, HALF_LIFE);
  jobs = {};
  for (const state of [
    'pending',
    'starting',
    'running',
    'stopping',
    'succeeded',
    'failed',
    'cancelled',
  ] as const)
    jobs[state] = await jobIn(state, ledger, epoch);
  const { spec } = newJob();
  const after = [{ job: jobs.running as JobId, number: 3, on: 'succeeded' as const }];
  jobs.waiting = (await ledger.submit(newJob({ spec: { ...spec, after } }))).job.id;
  const vain = [{ job: (await ledger.submit(newJob())).job.id, number: 9, on: 'succeeded' as const }];
  jobs.vain = (await ledger.submit(newJob({ spec: { ...spec, after: vain } }))).job.id;
  await ledger.stop(vain[0]?.job as JobId, 'cancelled', BY_USER);
  jobs.held = (await ledger.submit(newJob({ held: true }))).job.id;
  const group = { id: 'grp_1', index: 0, parameters: {} };
  jobs.grouped = (await ledger.submit(newJob({ spec: { ...spec, group } }))).job.id;
  jobs.again = await jobIn('failed', ledger, epoch);
  await ledger.requeue(jobs.again, { code: 'user', sentence: '', rank: null, exitCode: null, signal: null });
  const users = new UserLedger(redis);
  await users.add({ name: 'ada', role: 'user', unixAccount: null }, null);
});

async function flaws(repair = false): Promise<Flaw[]> {
  const found: Flaw[] = [];
  for await (const flaw of verifyLedger(redis, loadScripts(redis), repair)) found.push(flaw);
  return found;
}

/** All that there is, but the events. */
async function everything(): Promise<Record<string, unknown>> {
  const all: Record<string, unknown> = {};
  for (const key of (await redis.keys('*')).sort()) {
    const type = await redis.type(key);
    if (type === 'string') all[key] = await redis.get(key);
    if (type === 'hash') all[key] = Object.fromEntries(Object.entries(await redis.hgetall(key)).sort());
    if (type === 'set') all[key] = (await redis.smembers(key)).sort();
    if (type === 'zset') all[key] = await redis.zrange(key, '0', '-1', 'WITHSCORES');
  }
  return all;
}

it('what the transitions write fits together', async () => {
  expect(await flaws()).toEqual([]);
});

it('what has moved on since its index was read is not off', async () => {
  const run = loadScripts(redis);
  const running = jobs.running as string;
  const looks = [
    [running, `${P}:state:pending`, running],
    [running, `${P}:dependants:job_gone`, running],
    ['job_gone', `${P}:numbers`, '99'],
  ] as const;
  for (const [id, ...place] of looks)
    expect((await run('verify', id, 'job', id, '', ...place)).values).toEqual([]);
});

describe('what is off is found, and put right as it was', () => {
  it.each<[string, () => Promise<unknown>, RegExp]>([
    ['a job out of line', () => redis.zrem(`${P}:queue`, jobs.pending as string), /is missing in queue/],
    [
      'a held job in line',
      () => redis.zadd(`${P}:queue`, 1, jobs.held as string),
      /not belong there, but is named in queue/,
    ],
    [
      'a job in no state',
      () => redis.zrem(`${P}:state:running`, jobs.running as string),
      /is missing in state:running/,
    ],
    [
      'a job in two states',
      () => redis.zadd(`${P}:state:pending`, 3, jobs.running as string),
      /named in state:pending/,
    ],
    [
      'a number of nobody',
      () => redis.hset(`${P}:numbers`, '99', 'job_gone'),
      /job_gone does not exist, but is named in numbers/,
    ],
    ['a job without its number', () => redis.hdel(`${P}:numbers`, '1'), /is missing in numbers/],
    ['an ended job', () => redis.zrem(`${P}:ended`, jobs.failed as string), /is missing in ended/],
    ['a stay', () => redis.zrem(`${P}:stays`, `${jobs.again} 1`), /is missing in stays/],
    [
      'a job that is gone',
      () => redis.zadd(`${P}:jobs`, 7, 'job_gone'),
      /job_gone does not exist, but is named in jobs/,
    ],
    [
      'who waits for whom',
      () => redis.srem(`${P}:dependants:${jobs.running}`, jobs.waiting as string),
      /is missing in dependants:/,
    ],
    [
      'who waits for nobody',
      () => redis.sadd(`${P}:dependants:${jobs.failed}`, jobs.held as string),
      /named in dependants:/,
    ],
    [
      'how many it waits for',
      () => redis.hset(`${P}:job:${jobs.waiting}`, 'openDependencies', 2),
      /waits for 2 jobs, but names 1/,
    ],
    [
      'a group without its job',
      () => redis.zrem(`${P}:group:grp_1:jobs`, jobs.grouped as string),
      /is missing in group:grp_1:jobs/,
    ],
    [
      'how many tasks are open',
      () => redis.hset(`${P}:job:${jobs.running}`, 'attempt:1:open', 1),
      /says that 1 tasks are open, but 2 are/,
    ],
    ['the last number', () => redis.set(`${P}:number`, 3), /they are counted up to 3/],
    ['a user', () => redis.srem(`${P}:users`, 'ada'), /user ada is missing in users/],
    [
      'a device held by nobody',
      () => redis.hset(`${P}:allocations`, 'GPU-x', `${jobs.failed} 1`),
      /device GPU-x is held by attempt 1 of/,
    ],
    [
      'a device that a running job lost',
      async () => {
        const held = await redis.hgetall(`${P}:allocations`);
        const uuid = Object.keys(held).find((each) => held[each] === `${jobs.running} 1`);
        await redis.hdel(`${P}:allocations`, uuid as string);
      },
      /runs on GPU-.*, but does not hold it/,
    ],
  ])('%s', async (_, damage, expected) => {
    const before = await everything();
    await damage();
    const found = await flaws();
    expect(found.some(({ subject, sentence }) => expected.test(`${subject} ${sentence}`))).toBe(true);
    expect(found.some(({ repaired }) => repaired)).toBe(false);
    expect((await flaws(true)).every(({ repaired }) => repaired)).toBe(true);
    expect(await flaws()).toEqual([]);
    expect(await everything()).toEqual(before);
  });

  it.each<[string, string, string, string]>([
    ['spec', '{"cut o', 'held', 'part of it is missing or cut: Unterminated string in JSON'],
    ['spec', '{"command":5}', 'pending', 'part of it is missing or cut: '],
    ['attempt:1', '{"node":"ho', 'running', 'part of it is missing or cut: Unterminated string in JSON'],
    ['state', 'frob', 'running', 'state: '],
    ['needs', '', 'waiting', 'part of it is missing or cut: Unexpected end of JSON input'],
  ])(
    'but a job whose %s is %s is left to people, and lists are without it',
    async (field, value, job, why) => {
      const id = jobs[job] as JobId;
      await redis.hset(`${P}:job:${id}`, field, value);
      const held = await redis.hgetall(`${P}:allocations`);
      expect(await flaws(true)).toEqual([
        {
          subject: `job ${id}`,
          sentence: expect.stringContaining(`can not be read (${why}`),
          repaired: false,
        },
      ]);
      expect(await redis.hgetall(`${P}:allocations`)).toEqual(held);
      expect((await ledger.jobsOf(Object.values(jobs))).map((each) => each.id).sort()).toEqual(
        Object.values(jobs)
          .filter((each) => each !== id)
          .sort(),
      );
      await expect(ledger.job(id)).rejects.toThrow(DamagedRecord);
    },
  );

  it('a reply that is an error is told as that error, and not as the damage of a job', async () => {
    await redis.set(`${P}:queue`, 'x');
    await expect(ledger.job(jobs.pending as JobId)).rejects.toThrow('WRONGTYPE');
  });

  it('and so is a field that should be JSON; what a user has used keeps no attempt from its end', async () => {
    await redis.hset(`${P}:usage`, 'root', 'much', 'ada', '{"cut');
    expect((await flaws(true)).map(({ subject, sentence }) => `${subject} ${sentence}`).sort()).toEqual([
      `key ${P}:usage has no JSON in its field ada: remove that (HDEL)`,
      `key ${P}:usage has no JSON in its field root: remove that (HDEL)`,
    ]);
    const user = (await ledger.job(jobs.running as JobId))?.user as string;
    await redis.hset(`${P}:usage`, user, 'much');
    await jobIn('succeeded', ledger, epoch);
    expect(JSON.parse((await redis.hget(`${P}:usage`, user)) as string)).toHaveProperty('gpuSeconds');
  });

  it.each(['queue', 'job:job_1', 'dependants:job_1'])('and so is a string under %s', async (key) => {
    await redis.set(`${P}:${key}`, 'x');
    expect(await flaws(true)).toEqual([
      {
        subject: `key ${P}:${key}`,
        sentence: expect.stringContaining('is a string where a '),
        repaired: false,
      },
    ]);
  });
});

describe('a ledger', () => {
  it('of before there were versions is brought up to date: what later indexes lack is put there', async () => {
    const before = await everything();
    await redis.del(`${P}:schema`, `${P}:ended`, `${P}:stays`);
    await openSchema(redis, SILENT);
    expect(await everything()).toEqual(before);
    expect(await redis.get(`${P}:schema`)).toBe(String(SCHEMA_VERSION));
  });

  it('that is new begins at this version', async () => {
    await redis.flushall();
    await openSchema(redis, SILENT);
    expect(await everything()).toEqual({ [`${P}:schema`]: String(SCHEMA_VERSION) });
  });

  it('of a newer version is refused, and left as it is', async () => {
    await redis.set(`${P}:schema`, SCHEMA_VERSION + 1);
    const before = await everything();
    await expect(openSchema(redis, SILENT)).rejects.toThrow(LedgerTooNew);
    await expect(openSchema(redis, SILENT)).rejects.toThrow('written by a newer Berth');
    expect(await everything()).toEqual(before);
  });
});
