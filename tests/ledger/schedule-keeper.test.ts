import type { Job, ScheduleId } from '@berth/contract';
import { pino } from 'pino';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { EventFeed } from '../../apps/daemon/dist/ledger/event-feed.js';
import { Ledger } from '../../apps/daemon/dist/ledger/ledger.js';
import { ScheduleLedger } from '../../apps/daemon/dist/ledger/schedules.js';
import { type Resolve, ScheduleKeeper } from '../../apps/daemon/dist/schedules/schedule-keeper.js';
import { Ticks } from '../../apps/daemon/dist/schedules/ticks.js';
import { eventually } from '../support/daemon.js';
import { BY_USER, newJob } from '../support/ledger-story.js';
import { RedisServer } from '../support/redis-server.js';
import { DAY, FIRST, newSchedule } from '../support/schedule-story.js';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

let server: RedisServer;
let ledger: Ledger;
let schedules: ScheduleLedger;
let feed: EventFeed;
let ticks: Ticks;
let keeper: ScheduleKeeper;
/** The wall clock, as the keeper reads it. */
let now: number;
let resolve: Resolve;

const log = pino({ enabled: false });
const asNow: Resolve = async () => ({ job: newJob() });

beforeAll(async () => {
  server = await RedisServer.start();
});
afterAll(() => server.stop());
beforeEach(async () => {
  const redis = server.connect();
  await redis.flushall();
  ledger = new Ledger(redis);
  schedules = new ScheduleLedger(redis);
  feed = await EventFeed.open(server.connect(), log);
  resolve = asNow;
  now = FIRST;
  keeper = newKeeper();
});
afterEach(async () => {
  await keeper.close();
  feed.close();
});

function newKeeper(): ScheduleKeeper {
  ticks = new Ticks(server.connect(), () => undefined);
  return new ScheduleKeeper({
    schedules,
    ticks,
    resolve: (template) => resolve(template),
    log,
    now: () => now,
  });
}

const create = async (...over: Parameters<typeof newSchedule>): Promise<ScheduleId> =>
  (await schedules.create(newSchedule(...over))).id;
const jobsOf = (schedule: ScheduleId): Promise<Job[]> =>
  ledger.pages.page({ schedule }, { limit: 10, before: null }).then(({ jobs }) => jobs);
const timesOf = async (id: ScheduleId): Promise<(string | undefined)[]> =>
  (await jobsOf(id)).map(({ schedule }) => schedule?.at);

describe('a time that has come', () => {
  it('is one job, however often and by how many it is met', async () => {
    const id = await create();
    now = FIRST + 3;
    const other = new ScheduleKeeper({ schedules, ticks, resolve: asNow, log, now: () => now });
    await Promise.all([keeper.meet(id), other.meet(id), keeper.meet(id), other.meet(id)]);
    await keeper.meet(id);
    expect(await timesOf(id)).toEqual(['2027-06-01T02:00:00.000Z']);
    expect(await schedules.record(id)).toMatchObject({ runs: 1, nextRun: FIRST + DAY });
  });

  it('is none before it has', async () => {
    const id = await create();
    now = FIRST - MINUTE;
    await keeper.meet(id);
    expect(await jobsOf(id)).toEqual([]);
  });

  it('is waited for where the clock was just corrected by a moment', async () => {
    const id = await create();
    now = FIRST - 50;
    await keeper.meet(id);
    expect(await timesOf(id)).toEqual(['2027-06-01T02:00:00.000Z']);
    expect(await schedules.record(id)).toMatchObject({ nextRun: FIRST + DAY });
  });

  it('makes no job of a schedule that is deleted or paused just then', async () => {
    const [first, second] = [await create(), await create()];
    resolve = async () => {
      await schedules.delete(first).catch(() => schedules.enable(second, null));
      return { job: newJob() };
    };
    await keeper.meet(first);
    await keeper.meet(second);
    expect([await jobsOf(first), await jobsOf(second)]).toEqual([[], []]);
  });
});

describe('a time that nobody was there for', () => {
  it('is not missed when it was less than a minute ago', async () => {
    const id = await create();
    now = FIRST + 59_000;
    await keeper.meet(id);
    expect(await timesOf(id)).toEqual(['2027-06-01T02:00:00.000Z']);
  });

  it('is skipped, which the schedule says, and the next one comes', async () => {
    const id = await create();
    now = FIRST + 3 * DAY + 2 * HOUR;
    await keeper.meet(id);
    expect(await jobsOf(id)).toEqual([]);
    expect(await schedules.record(id)).toMatchObject({
      runs: 0,
      nextRun: FIRST + 4 * DAY,
      lastRun: {
        at: FIRST + 3 * DAY,
        skipped: { code: 'missed', sentence: expect.stringMatching(/catchUp/) },
      },
    });
    now = FIRST + 4 * DAY;
    await keeper.meet(id);
    expect(await timesOf(id)).toEqual(['2027-06-05T02:00:00.000Z']);
  });

  it('is made up for where the schedule says so: of several the latest, once', async () => {
    const id = await create({ catchUp: true });
    now = FIRST + 3 * DAY + 2 * HOUR;
    await keeper.meet(id);
    await keeper.meet(id);
    expect(await timesOf(id)).toEqual(['2027-06-04T02:00:00.000Z']);
    expect(await schedules.record(id)).toMatchObject({ runs: 1, nextRun: FIRST + 4 * DAY });
  });

  it('is found by a daemon that starts', async () => {
    const [late, ofAPausedOne] = [
      await create({ catchUp: true }),
      await create({ catchUp: true, nextRun: null }),
    ];
    now = FIRST + 5 * HOUR;
    await keeper.start(feed);
    expect(await timesOf(late)).toEqual(['2027-06-01T02:00:00.000Z']);
    expect(await jobsOf(ofAPausedOne)).toEqual([]);
  });
});

describe('a clock that was set', () => {
  it('back by an hour does not repeat what was dealt with', async () => {
    const id = await create();
    now = FIRST + 10_000;
    await keeper.meet(id);
    const [job] = await jobsOf(id);
    await ledger.stop((job as Job).id, 'cancelled', BY_USER);
    now -= HOUR;
    await keeper.start(feed);
    now = FIRST + 10;
    await keeper.meet(id);
    expect(await timesOf(id)).toEqual(['2027-06-01T02:00:00.000Z']);
    now = FIRST + DAY;
    await keeper.meet(id);
    expect(await jobsOf(id)).toHaveLength(2);
  });

  it('back by years leaves no schedule waiting for years', async () => {
    const id = await create({ nextRun: FIRST + 1000 * DAY });
    now = FIRST - HOUR;
    await keeper.start(feed);
    expect(await schedules.record(id)).toMatchObject({ nextRun: FIRST });
  });

  it('forward for a moment, and back before anybody looks, leaves no schedule waiting either', async () => {
    const set = (to: number): void => {
      now = to;
      vi.setSystemTime(to);
    };
    vi.useFakeTimers({ toFake: ['Date'] });
    try {
      set(FIRST - HOUR);
      const id = await create();
      await keeper.start(feed);
      set(FIRST + HOUR);
      await keeper.meet(id);
      expect(await schedules.record(id)).toMatchObject({ nextRun: FIRST + DAY });
      set(FIRST - HOUR);
      await vi.waitFor(
        async () => expect(await schedules.record(id)).toMatchObject({ nextRun: FIRST }),
        10_000,
      );
    } finally {
      vi.useRealTimers();
    }
  });

  it('forward is a time that nobody was there for', async () => {
    const id = await create();
    now = FIRST + HOUR / 2;
    await keeper.start(feed);
    expect(await schedules.record(id)).toMatchObject({
      nextRun: FIRST + DAY,
      lastRun: { at: FIRST, skipped: { code: 'missed' } },
    });
  });
});

it('a job that can no longer be submitted is said, and does not stop the schedule', async () => {
  const id = await create();
  resolve = async () => ({ refused: '#/devices: 7 is no device' });
  await keeper.meet(id);
  expect(await schedules.record(id)).toMatchObject({
    nextRun: FIRST + DAY,
    lastRun: { at: FIRST, skipped: { code: 'refused', sentence: expect.stringMatching(/7 is no device/) } },
  });
  resolve = asNow;
  now = FIRST + DAY;
  await keeper.meet(id);
  expect(await jobsOf(id)).toHaveLength(1);
});

it('what the job waits for may have gone since', async () => {
  const id = await create();
  const { spec, ...job } = newJob();
  const gone = newJob().id;
  resolve = async () => ({
    job: { ...job, spec: { ...spec, after: [{ job: gone, number: 1, on: 'ended' }] } },
  });
  await keeper.meet(id);
  expect((await schedules.record(id))?.lastRun?.skipped?.sentence).toMatch(
    `${gone}, which it is to start after, is gone`,
  );
});

it('something that fails for another reason is tried again, and the time is not lost', async () => {
  const id = await create();
  resolve = async () => {
    throw new Error('Redis is away');
  };
  await expect(keeper.meet(id)).rejects.toThrow('Redis is away');
  expect(await schedules.record(id)).toMatchObject({ nextRun: FIRST, lastRun: null });
});

describe('what ticks', () => {
  it('is at the start what the ledger has, and what it has not ticks no more', async () => {
    const [kept, paused] = [await create(), await create({ nextRun: null })];
    for (const id of ['sch_000000000000000000000', paused]) await ticks.set(id, '* * * * *', 'UTC');
    now = FIRST - HOUR;
    await keeper.start(feed);
    expect(await ticks.ticking()).toEqual([kept]);
  });

  it('follows what happens to schedules', async () => {
    now = FIRST - HOUR;
    await keeper.start(feed);
    const id = await create();
    const ticking = (wanted: boolean) =>
      eventually(
        () => ticks.ticking(),
        (all) => all.includes(id) === wanted,
      );
    await ticking(true);
    await schedules.enable(id, null);
    await ticking(false);
    await schedules.enable(id, FIRST);
    await ticking(true);
    await schedules.delete(id);
    await ticking(false);
  });
});
