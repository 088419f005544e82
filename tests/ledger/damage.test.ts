import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type GroupId, type JobId, makeJobId, type TokenId } from '@berth/contract';
import { emptyState } from '@berth/scheduler';
import type { Redis } from 'ioredis';
import { type Logger, pino } from 'pino';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { DamagedRecord, Damages } from '../../apps/daemon/dist/ledger/damage.js';
import type { DeviceQueues } from '../../apps/daemon/dist/ledger/device-queue.js';
import { EventFeed } from '../../apps/daemon/dist/ledger/event-feed.js';
import { type ExportDamage, exportLedger } from '../../apps/daemon/dist/ledger/export.js';
import { importLedger } from '../../apps/daemon/dist/ledger/import.js';
import { Ledger } from '../../apps/daemon/dist/ledger/ledger.js';
import { ScheduleLedger } from '../../apps/daemon/dist/ledger/schedules.js';
import { loadScripts } from '../../apps/daemon/dist/ledger/scripts.js';
import { UserLedger } from '../../apps/daemon/dist/ledger/users.js';
import { verifyLedger } from '../../apps/daemon/dist/ledger/verification.js';
import { SchedulerLoop } from '../../apps/daemon/dist/scheduling/scheduler-loop.js';
import { eventually } from '../support/daemon.js';
import {
  BY_USER,
  ENDING,
  FAILURE,
  HALF_LIFE,
  jobIn,
  NODE,
  newJob,
  placement,
  registered,
} from '../support/ledger-story.js';
import { RedisServer } from '../support/redis-server.js';
import { newSchedule } from '../support/schedule-story.js';

const P = '{berth}';
const SILENT = pino({ enabled: false });

let server: RedisServer;
let redis: Redis;
let damages: Damages;
let ledger: Ledger;
/** What the log has of damage. */
let said: string[];
beforeAll(async () => {
  server = await RedisServer.start();
  redis = server.connect();
});
afterAll(() => server.stop());
beforeEach(async () => {
  await redis.flushall();
  said = [];
  damages = new Damages({
    error: (line: string) => said.push(line),
    info: (line: string) => said.push(line),
  } as unknown as Logger);
  ledger = new Ledger(redis, undefined, damages);
});

const key = (job: JobId): string => `${P}:job:${job}`;
const submit = async (over?: Parameters<typeof newJob>[0]): Promise<JobId> =>
  (await ledger.submit(newJob(over))).job.id;
const becomes = (job: JobId, state: string) =>
  eventually(
    () => stateOf(job),
    (is) => is === state,
  );
const stateOf = (job: JobId): Promise<string | null> => redis.hget(key(job), 'state');

describe('a scheduler', () => {
  let feed: EventFeed;
  let loop: SchedulerLoop;
  beforeEach(async () => {
    await ledger.devices.register(NODE, [registered('GPU-a'), { ...registered('GPU-b'), index: 1 }]);
    feed = await EventFeed.open(server.connect(), SILENT);
    const queues = { handOver: async () => undefined } as unknown as DeviceQueues;
    const quiet = () => undefined;
    const observer = { decided: quiet, placed: quiet, displaced: quiet, refused: quiet, ended: quiet };
    const { policy } = emptyState();
    loop = new SchedulerLoop({ ledger, queues, feed, node: NODE, policy, observer, log: SILENT });
  });
  afterEach(() => {
    loop.close();
    feed.close();
  });

  it.each<[string, string | null]>([
    ['spec', '{"cut o'],
    ['spec', '{}'],
    ['spec', null],
    ['needs', 'null'],
    ['needs', '{"user":"ada","gpus":"many"}'],
    ['id', null],
    ['number', null],
    ['user', null],
    ['attempt', 'first'],
    ['submittedAt', null],
    ['priority', 'high'],
  ])('leaves a job out whose %s is %s, and takes it in once it is put right', async (field, value) => {
    const damaged = await submit();
    const sound = await redis.hget(key(damaged), field);
    if (value === null) await redis.hdel(key(damaged), field);
    else await redis.hset(key(damaged), field, value);
    const other = await submit();
    await loop.start();
    await becomes(other, 'starting');
    expect(await stateOf(damaged)).toBe('pending');
    expect(said).toEqual([expect.stringMatching(`^job ${damaged} can not be read \\(.+\\); it is left out`)]);
    expect((await ledger.pages.page({}, { limit: 9, before: null })).jobs.map(({ id }) => id)).toEqual([
      other,
    ]);

    await redis.hset(key(damaged), field, sound as string);
    loop.resume();
    await becomes(damaged, 'starting');
    expect(said.slice(1)).toEqual([`job ${damaged} is damaged no more`]);
  });

  it('hears from an event that a job is damaged, and goes on with the others', async () => {
    await loop.start();
    const damaged = await submit({ held: true });
    await redis.hset(key(damaged), 'needs', '{"cut o');
    await ledger.release(damaged);
    const other = await submit();
    await becomes(other, 'starting');
    expect([await stateOf(damaged), said.length]).toEqual(['pending', 1]);
  });

  it('leaves its devices to a job that it can not read', async () => {
    const epoch = await ledger.lead(NODE, HALF_LIFE);
    const damaged = await submit();
    const { devices, ...rest } = placement();
    const onA = { ...rest, devices: [{ uuid: 'GPU-a', index: 0 }], tasks: [{ rank: 0, devices: ['GPU-a'] }] };
    await ledger.assign(epoch, damaged, 1, onA);
    await redis.hset(key(damaged), 'attempt:1', `{"node":"${devices.length}`);
    await loop.start();
    const [one, two] = [await submit(), await submit()];
    await becomes(one, 'starting');
    expect(await redis.hgetall(`${P}:allocations`)).toEqual({ 'GPU-a': `${damaged} 1`, 'GPU-b': `${one} 1` });
    await eventually(
      async () => (await ledger.job(two))?.reason?.sentence,
      (sentence) => sentence?.includes(damaged) ?? false,
    );
  });

  it.each([
    ['devices', '{"uuid":"GPU-b"}', 'device GPU-b'],
    ['drains', 'x', 'drain GPU-b'],
    ['obstacles', '[{}]', 'obstacles GPU-b'],
  ])(
    'gives jobs the other devices where %s has something else than what belongs there',
    async (hash, value, subject) => {
      await redis.hset(`${P}:${hash}`, 'GPU-b', value);
      await loop.start();
      const [one, two] = [await submit(), await submit()];
      await becomes(one, 'starting');
      expect([await stateOf(two), await redis.hkeys(`${P}:allocations`)]).toEqual(['pending', ['GPU-a']]);
      expect(said).toEqual([expect.stringContaining(`${subject} can not be read`)]);
    },
  );

  it('forgets what a user had used where that can not be read', async () => {
    await redis.hset(`${P}:usage`, 'eve', '{"gpuSeconds":"x"}');
    await loop.start();
    await becomes(await submit(), 'starting');
    expect(said).toEqual([expect.stringContaining('usage eve can not be read')]);
  });
});

describe('what one job has of damage keeps no other', () => {
  it('from its end: not one that waited for it, nor what its user had used', async () => {
    const epoch = await ledger.lead(NODE, HALF_LIFE);
    const first = await jobIn('running', ledger, epoch);
    const { spec } = newJob();
    const behind = (on: 'succeeded' | 'failed') => ({
      spec: { ...spec, after: [{ job: first, number: 1, on }] },
    });
    const waiting = [
      await submit(behind('succeeded')),
      await submit(behind('failed')),
      await submit(behind('succeeded')),
    ];
    await redis.hdel(key(waiting[0] as JobId), 'number', 'needs');
    await redis.hdel(key(waiting[1] as JobId), 'number');
    await redis.hset(`${P}:usage`, 'ada', '{"cut');
    for (const rank of [0, 1]) await ledger.finish({ job: first, attempt: 1, rank }, ENDING, null);
    expect(await stateOf(first)).toBe('succeeded');
    expect((await ledger.job(waiting[2] as JobId))?.after).toMatchObject([{ open: false }]);
    expect((await ledger.usage.past()).usage.get('ada')?.total).toBeGreaterThanOrEqual(0);
  });

  it('from being listed, found by a filter, shown on the timeline, or looked at by who watches what runs', async () => {
    const epoch = await ledger.lead(NODE, HALF_LIFE);
    const sound = await jobIn('running', ledger, epoch);
    const [cut, bare] = [await jobIn('running', ledger, epoch), await jobIn('running', ledger, epoch)];
    await redis.hset(key(cut), { spec: '{"cut', 'attempt:1': '{"cut' });
    await redis.hdel(key(bare), 'name', 'submittedAt');
    for (const filter of [{ name: 'train' }, { labels: [{ name: 'x', value: null }] }, { since: 1 }, {}]) {
      const { jobs } = await ledger.pages.page(filter, { limit: 9, before: null });
      expect(jobs.map(({ id }) => id)).toEqual('labels' in filter ? [] : [sound]);
    }
    const stays = [sound, cut, bare].map((job) => ({ job, attempt: 1 }));
    expect((await ledger.stays.read(stays)).map(({ job }) => job)).toEqual([sound]);
    const { sound: read, damaged } = await ledger.holding();
    expect([read.map(({ id }) => id), damaged.map(({ id }) => id).sort()]).toEqual([
      [sound],
      [cut, bare].sort(),
    ]);
    expect(damages.all).toHaveLength(2);
  });

  it('from being adopted by the worker of a device that they share', async () => {
    const epoch = await ledger.lead(NODE, HALF_LIFE);
    const shared = { ...placement(1, 'shared'), share: { bytes: 1, of: 9 } };
    const [one, two] = [await submit(), await submit()];
    for (const job of [one, two]) await ledger.assign(epoch, job, 1, shared);
    await redis.hset(key(one), 'spec', '{"cut');
    const { tasks, damaged } = await ledger.openTasks('GPU-shared-0');
    expect([tasks.map(({ task }) => task.job), damaged.map(({ id }) => id)]).toEqual([[two], [one]]);
  });

  it('from being forgotten, and it is itself', async () => {
    const epoch = await ledger.lead(NODE, HALF_LIFE);
    const job = await jobIn('failed', ledger, epoch);
    await redis.hset(key(job), 'spec', '{"cut');
    const [endedAt] = await ledger.retention.endings([job]);
    await ledger.retention.removeLogs({ id: job, endedAt: endedAt as number });
    await ledger.retention.forget({ id: job, endedAt: endedAt as number });
    expect(await redis.exists(key(job))).toBe(0);
  });
});

it('a job that fails, and whose retries can not be read, has failed', async () => {
  const epoch = await ledger.lead(NODE, HALF_LIFE);
  const job = await jobIn('running', ledger, epoch);
  await redis.hset(key(job), 'spec', '{"cut');
  for (const rank of [0, 1]) await ledger.finish({ job, attempt: 1, rank }, ENDING, FAILURE);
  expect(await stateOf(job)).toBe('failed');
});

it('a group that can not be read is refused alone, and its jobs go on', async () => {
  const [cut, sound] = ['grp_000000000000000000001', 'grp_000000000000000000002'] as [GroupId, GroupId];
  const { spec } = newJob();
  for (const id of [cut, sound]) {
    await ledger.groups.open({
      id,
      name: 'sweep',
      user: 'ada',
      size: 1,
      maxParallel: null,
      idempotency: null,
    });
    await submit({ spec: { ...spec, group: { id, index: 0, parameters: {} } } });
  }
  await redis.hdel(`${P}:group:${cut}`, 'size');
  await expect(ledger.groups.get(cut)).rejects.toThrow(DamagedRecord);
  expect(await ledger.groups.get(sound)).toMatchObject({ size: 1, states: { pending: 1 }, firstNumber: 2 });
  const lines: string[] = [];
  for await (const line of exportLedger(redis)) lines.push(line);
  expect(lines.filter((line) => line.startsWith('{"damaged":'))).toEqual([
    expect.stringContaining(`"group:${cut}"`),
  ]);
  await ledger.groups.stop(cut, BY_USER);
  expect((await ledger.counts()).get('cancelled')).toBe(1);
});

describe('schedules, users and tokens that can not be read', () => {
  let schedules: ScheduleLedger;
  let users: UserLedger;
  let token: TokenId;
  beforeEach(async () => {
    schedules = new ScheduleLedger(redis, damages);
    users = new UserLedger(redis, damages);
    for (const name of ['ada', 'eve']) await users.add({ name, role: 'user', unixAccount: null });
    token = makeJobId(Date.now(), (bytes) => crypto.getRandomValues(bytes)).replace('job_', 'tok_');
    const digest = 'a'.repeat(64);
    await users.addToken({
      id: token,
      user: 'ada',
      name: '',
      digest,
      seed: '',
      idempotency: null,
      expiresAt: null,
    });
  });

  it('are left out of lists, refused alone, and told of by a verification', async () => {
    const [sound, damaged] = [newSchedule(), newSchedule()];
    for (const each of [sound, damaged]) await schedules.create(each);
    await redis.hset(`${P}:schedule:${damaged.id}`, 'plan', '{"cut');
    await redis.hdel(`${P}:user:eve`, 'createdAt');
    await redis.hset(`${P}:token:${token}`, 'createdAt', 'long ago');
    expect((await schedules.all()).map(({ id }) => id)).toEqual([sound.id]);
    expect((await users.all()).map(({ name }) => name)).toEqual(['ada']);
    expect(await users.tokensOf('ada')).toEqual([]);
    for (const reading of [schedules.record(damaged.id), users.get('eve'), users.token(token)])
      await expect(reading).rejects.toThrow(DamagedRecord);
    expect(said).toHaveLength(3);
    const found: string[] = [];
    for await (const { subject, repaired } of verifyLedger(redis, loadScripts(redis), true))
      if (!repaired) found.push(subject);
    expect(found.sort()).toEqual([`schedule ${damaged.id}`, `token ${token}`, 'user eve']);
  });

  it('are named in an export that has all the rest, and that an import takes', async () => {
    const [job, cut, bare] = [await submit(), await submit(), await submit()];
    await redis.hset(key(cut), 'spec', '{"cut');
    await redis.hdel(key(bare), 'id');
    await redis.hdel(`${P}:user:eve`, 'role');
    const lines: string[] = [];
    // A change while it goes on is read behind the others.
    for await (const line of exportLedger(redis)) {
      if (lines.push(line) === 1) await ledger.hold(job);
    }
    const folder = mkdtempSync(join(tmpdir(), 'berth-damage-'));
    const file = join(folder, 'export.jsonl');
    writeFileSync(file, lines.join(''));
    const said = lines.map((line) => JSON.parse(line) as Partial<ExportDamage & { end: true; jobs: number }>);
    expect(said.flatMap(({ damaged }) => damaged ?? []).sort()).toEqual(
      [`job:${cut}`, `job:${bare}`, 'user:eve'].sort(),
    );
    expect(said.at(-1)).toEqual({ end: true, jobs: 1 });
    await redis.flushall();
    expect(await importLedger(redis, file, SILENT)).toEqual({ jobs: 1, held: 0 });
    rmSync(folder, { recursive: true });
    expect([(await ledger.job(job))?.held, (await users.all()).map(({ name }) => name)]).toEqual([
      true,
      ['ada'],
    ]);
  });
});
