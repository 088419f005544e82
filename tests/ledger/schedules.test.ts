import type { Job, ScheduleId } from '@berth/contract';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Ledger } from '../../apps/daemon/dist/ledger/ledger.js';
import { ScheduleLedger, scheduleFromRecord } from '../../apps/daemon/dist/ledger/schedules.js';
import { BY_USER, newJob } from '../support/ledger-story.js';
import { RedisServer } from '../support/redis-server.js';
import { DAY, FIRST, newSchedule } from '../support/schedule-story.js';

let server: RedisServer;
let ledger: Ledger;
let schedules: ScheduleLedger;
let id: ScheduleId;

beforeAll(async () => {
  server = await RedisServer.start();
  ledger = new Ledger(server.connect());
  schedules = new ScheduleLedger(server.connect());
});
afterAll(() => server.stop());
beforeEach(async () => {
  ({ id } = await schedules.create(newSchedule()));
});

const dueAt = (at: number) => ({ id, at, expected: at, upcoming: at + DAY });
const jobAt = (at: number) => {
  const { spec, ...job } = newJob();
  return { ...job, spec: { ...spec, schedule: { id, at: new Date(at).toISOString() } } };
};
const run = (at: number, overlap: 'skip' | 'allow' = 'skip'): Promise<Job | null> =>
  schedules.runDue(dueAt(at), overlap, jobAt(at));
const jobsOf = (schedule: ScheduleId): Promise<Job[]> =>
  ledger.pages.page({ schedule }, { limit: 10, before: null }).then(({ jobs }) => jobs);
const everything = (): Promise<string[]> => server.everything();
async function refused(transition: Promise<unknown>, code: string): Promise<void> {
  await expect(transition).rejects.toMatchObject({ name: 'LedgerRefusal', code });
}

describe('a time of a schedule', () => {
  it('is a job that names it, and moves the schedule on', async () => {
    const job = await run(FIRST);
    expect(job).toMatchObject({ state: 'pending', schedule: { id, at: '2027-06-01T02:00:00.000Z' } });
    expect(await schedules.record(id)).toMatchObject({
      nextRun: FIRST + DAY,
      runs: 1,
      lastRun: { at: FIRST, job: job?.id, number: job?.number },
    });
    expect((await jobsOf(id)).map((each) => each.id)).toEqual([job?.id]);
  });

  it('that was dealt with is refused, and changes nothing', async () => {
    await run(FIRST);
    const before = await everything();
    await refused(run(FIRST), 'changed_meanwhile');
    await refused(schedules.skip(dueAt(FIRST), { code: 'missed', sentence: '' }), 'changed_meanwhile');
    await refused(schedules.reschedule(id, FIRST, FIRST - DAY), 'changed_meanwhile');
    expect(await everything()).toEqual(before);
  });

  it('of a schedule that is paused or gone is refused, and changes nothing', async () => {
    await schedules.enable(id, null);
    let before = await everything();
    await refused(run(FIRST), 'wrong_state');
    expect(await everything()).toEqual(before);
    await schedules.delete(id);
    before = await everything();
    await refused(run(FIRST), 'not_found');
    await refused(schedules.skip(dueAt(FIRST), { code: 'missed', sentence: '' }), 'not_found');
    await refused(schedules.enable(id, FIRST), 'not_found');
    await refused(schedules.runNow(id, FIRST, jobAt(FIRST)), 'not_found');
    await refused(schedules.delete(id), 'not_found');
    expect(await everything()).toEqual(before);
  });

  it('for which two race is one job', async () => {
    const outcomes = await Promise.allSettled(Array.from({ length: 8 }, () => run(FIRST)));
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect(await jobsOf(id)).toHaveLength(1);
  });

  it('that comes again with the same job, for the clock was set back, is no second one', async () => {
    const job = { ...jobAt(FIRST), id: newJob().id };
    await schedules.runDue(dueAt(FIRST), 'skip', job);
    await schedules.reschedule(id, FIRST + DAY, FIRST);
    expect((await schedules.runDue(dueAt(FIRST), 'skip', job))?.id).toBe(job.id);
    expect(await schedules.record(id)).toMatchObject({ nextRun: FIRST + DAY, runs: 1 });
  });
});

describe('an earlier job that has not ended', () => {
  it('is a reason for none, until it has', async () => {
    const first = (await run(FIRST)) as Job;
    expect(await run(FIRST + DAY)).toBeNull();
    expect(scheduleFromRecord((await schedules.record(id)) as never)).toMatchObject({
      runs: 1,
      nextRun: '2027-06-03T02:00:00.000Z',
      lastRun: {
        at: '2027-06-02T02:00:00.000Z',
        job: null,
        number: null,
        skipped: { code: 'overlap', sentence: `job ${first.number} of an earlier time is still pending` },
      },
    });
    await ledger.stop(first.id, 'cancelled', BY_USER);
    expect(await run(FIRST + 2 * DAY)).not.toBeNull();
  });

  it('is none where jobs may overlap', async () => {
    await run(FIRST, 'allow');
    expect(await run(FIRST + DAY, 'allow')).not.toBeNull();
  });

  it('does not keep anybody from a run by hand; that one is a reason as well', async () => {
    await run(FIRST);
    const byHand = await schedules.runNow(id, FIRST + 1, jobAt(FIRST + 1));
    expect(await schedules.record(id)).toMatchObject({
      nextRun: FIRST + DAY,
      runs: 2,
      lastRun: { job: byHand.id },
    });
    const [, first] = await jobsOf(id);
    await ledger.stop((first as Job).id, 'cancelled', BY_USER);
    expect(await run(FIRST + DAY)).toBeNull();
  });
});

it('a run by hand that is asked for twice with one key is one job', async () => {
  const idempotency = { key: crypto.randomUUID(), digest: 'run' };
  const ask = () => schedules.runNow(id, FIRST, { ...jobAt(FIRST), idempotency });
  const first = await ask();
  expect(await ask()).toEqual({ id: first.id, replayed: true });
  expect(await schedules.record(id)).toMatchObject({ runs: 1 });
});

it('a schedule that is sent twice with one key is one; with another body it is refused', async () => {
  const idempotency = { key: crypto.randomUUID(), digest: 'a' };
  const first = await schedules.create(newSchedule({ idempotency }));
  expect(await schedules.create(newSchedule({ idempotency }))).toEqual({ id: first.id, replayed: true });
  const before = await everything();
  await refused(
    schedules.create(newSchedule({ idempotency: { ...idempotency, digest: 'b' } })),
    'idempotency_conflict',
  );
  expect(await everything()).toEqual(before);
});

it('pausing and resuming twice changes nothing the second time', async () => {
  await schedules.enable(id, null);
  const paused = await everything();
  await schedules.enable(id, null);
  expect(await everything()).toEqual(paused);
  await schedules.enable(id, FIRST + DAY);
  const resumed = await everything();
  await schedules.enable(id, FIRST + 2 * DAY);
  expect(await everything()).toEqual(resumed);
});

it('a job that waits for one that is gone is refused by its id, and the schedule stays as it is', async () => {
  const job = jobAt(FIRST);
  const gone = newJob().id;
  const spec = { ...job.spec, after: [{ job: gone, number: 1, on: 'succeeded' as const }] };
  const before = await everything();
  await expect(schedules.runDue(dueAt(FIRST), 'skip', { ...job, spec })).rejects.toMatchObject({
    code: 'not_found',
    found: [gone],
  });
  expect(await everything()).toEqual(before);
});

it('a job of an older version, which knew no schedules, has none', async () => {
  const { job } = await ledger.submit(newJob());
  const redis = server.connect();
  const { schedule, ...older } = JSON.parse((await redis.hget(`{berth}:job:${job.id}`, 'spec')) as string);
  expect(schedule).toBeNull();
  await redis.hset(`{berth}:job:${job.id}`, 'spec', JSON.stringify(older));
  expect((await ledger.job(job.id))?.schedule).toBeNull();
});
