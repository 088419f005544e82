import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Job, JobList, Problem, Schedule, ScheduleList, ScheduleSubmissionInput } from '@berth/contract';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { eventually, TestDaemon } from '../support/daemon.js';

let daemon: TestDaemon;
let scratch: string;
beforeAll(async () => {
  daemon = await TestDaemon.start('2xH100-80GB');
});
afterAll(() => daemon.destroy());
beforeEach(() => {
  scratch = mkdtempSync(join(tmpdir(), 'berth-schedules-'));
});
afterEach(async () => {
  for (const { id } of await all()) await remove(id);
  rmSync(scratch, { recursive: true });
});

const EVERY_SECOND = '*/1 * * * * *';
const NEVER_TODAY = '0 0 1 1 *';
const job = { script: 'echo "I am $BERTH_JOB_ID"', workingDirectory: '/' };

async function create(schedule: Partial<ScheduleSubmissionInput>): Promise<Schedule> {
  const response = await daemon.post('/v1/schedules', { cron: EVERY_SECOND, job, ...schedule });
  if (response.status !== 201) throw new Error(await response.text());
  return (await response.json()) as Schedule;
}
async function all(): Promise<Schedule[]> {
  return ((await (await daemon.request('/v1/schedules')).json()) as ScheduleList).items;
}
const remove = (id: string): Promise<Response> => daemon.request(`/v1/schedules/${id}`, { method: 'DELETE' });
async function now({ id }: Schedule): Promise<Schedule> {
  return (await (await daemon.request(`/v1/schedules/${id}`)).json()) as Schedule;
}
async function jobsOf({ id }: Schedule): Promise<Job[]> {
  return ((await (await daemon.request(`/v1/jobs?limit=1000&schedule=${id}`)).json()) as JobList).items;
}
const wish = async (verb: string, { id }: Schedule): Promise<Response> =>
  daemon.request(`/v1/schedules/${id}/${verb}`, { method: 'POST' });
const runsAtLeast = (schedule: Schedule, count: number): Promise<Schedule> =>
  eventually(
    () => now(schedule),
    ({ runs }) => runs >= count,
  );
/** What another schedule did two times meanwhile, this one could have done as well. */
async function letTwoTimesPass(): Promise<void> {
  const other = await create({ overlap: 'allow' });
  await runsAtLeast(other, 2);
  await remove(other.id);
}

describe('a schedule', () => {
  it('makes a job each time, which runs and knows where it came from', async () => {
    const schedule = await create({ name: 'often', timeZone: 'Europe/Berlin', overlap: 'allow' });
    expect(schedule).toMatchObject({ enabled: true, runs: 0, lastRun: null, timeZone: 'Europe/Berlin' });
    await runsAtLeast(schedule, 3);
    const jobs = await jobsOf(schedule);
    const times = jobs.map((each) => Date.parse(each.schedule?.at as string)).reverse();
    expect(times[0]).toBeGreaterThanOrEqual(Date.parse(schedule.nextRun as string));
    for (const time of times) expect(time % 1000).toBe(0);
    expect(new Set(times).size).toBe(times.length);
    const first = jobs.at(-1) as Job;
    expect(first.schedule?.id).toBe(schedule.id);
    expect(await daemon.logs(first, 'follow=true')).toBe(`I am ${first.id}\n`);
    expect((await daemon.ended(first)).state).toBe('succeeded');
  });

  it('goes on when the daemon was killed, and makes no time twice', async () => {
    const schedule = await create({ overlap: 'allow' });
    for (let kills = 1; kills <= 3; kills += 1) {
      const { runs } = await runsAtLeast(schedule, (await now(schedule)).runs + 1);
      await daemon.kill();
      await daemon.start();
      await runsAtLeast(schedule, runs + 1);
    }
    await wish('pause', schedule);
    const jobs = await jobsOf(schedule);
    expect(new Set(jobs.map((each) => each.schedule?.at)).size).toBe(jobs.length);
    expect((await now(schedule)).runs).toBe(jobs.length);
  });

  it('starts no job while the last one has not ended, and says so', async () => {
    const busy = join(scratch, 'busy');
    writeFileSync(busy, '');
    const script = `while [ -e ${busy} ]; do sleep 0.05; done`;
    const schedule = await create({ job: { script, workingDirectory: '/' } });
    const { lastRun } = await eventually(
      () => now(schedule),
      (each) => each.lastRun?.skipped != null,
    );
    const [only, ...others] = await jobsOf(schedule);
    expect(others).toEqual([]);
    expect(lastRun?.skipped).toMatchObject({ code: 'overlap' });
    expect(lastRun?.skipped?.sentence).toMatch(`job ${only?.number} of an earlier time is still`);
    rmSync(busy);
    await runsAtLeast(schedule, 2);
  });

  it('makes no job while it is paused but by hand, and goes on when it is resumed', async () => {
    const schedule = await create({});
    await runsAtLeast(schedule, 1);
    const paused = (await (await wish('pause', schedule)).json()) as Schedule;
    expect(paused).toMatchObject({ enabled: false, nextRun: null });
    await letTwoTimesPass();
    expect(await now(schedule)).toEqual(paused);
    const response = await wish('run', schedule);
    expect(response.status).toBe(201);
    const byHand = (await response.json()) as Job;
    expect(byHand.schedule?.id).toBe(schedule.id);
    expect(await now(schedule)).toMatchObject({ runs: paused.runs + 1, lastRun: { job: byHand.id } });
    expect((await (await wish('resume', schedule)).json()) as Schedule).toMatchObject({ enabled: true });
    await runsAtLeast(schedule, paused.runs + 2);
  });

  it('makes no job once it is deleted; those that it made stay', async () => {
    const schedule = await create({});
    await runsAtLeast(schedule, 1);
    const { runs } = (await (await remove(schedule.id)).json()) as Schedule;
    await letTwoTimesPass();
    expect(await jobsOf(schedule)).toHaveLength(runs);
    expect((await daemon.request(`/v1/schedules/${schedule.id}`)).status).toBe(404);
    for (const verb of ['pause', 'resume', 'run']) expect((await wish(verb, schedule)).status).toBe(404);
  });

  it('says when its job can not be submitted any more, and tries again the next time', async () => {
    const schedule = await create({ job: { ...job, devices: '1' } });
    await daemon.stop();
    await daemon.start('1xH100-80GB');
    const { lastRun } = await eventually(
      () => now(schedule),
      (each) => each.lastRun?.skipped?.code === 'refused',
    );
    expect(lastRun?.skipped?.sentence).toMatch(/can't be submitted any more: #\/devices: .*1/);
    const { status, body } = await wish('run', schedule).then(async (response) => ({
      status: response.status,
      body: (await response.json()) as Problem,
    }));
    expect([status, body.type]).toEqual([409, 'urn:berth:problem:schedule_conflict']);
    const { runs } = await now(schedule);
    await daemon.stop();
    await daemon.start('2xH100-80GB');
    await runsAtLeast(schedule, runs + 1);
  });
});

it('a schedule that is sent again with its key is the same one', async () => {
  const key = { 'idempotency-key': crypto.randomUUID() };
  const send = (name: string) => daemon.post('/v1/schedules', { cron: NEVER_TODAY, name, job }, key);
  const first = (await (await send('a')).json()) as Schedule;
  const again = await send('a');
  expect([again.status, ((await again.json()) as Schedule).id]).toEqual([200, first.id]);
  expect((await send('b')).status).toBe(409);
});

it('a bad schedule is refused by name, and nothing is taken', async () => {
  const good = { cron: NEVER_TODAY, job };
  await create(good);
  const before = await all();
  for (const [bad, pointers, says] of [
    [{ cron: '0 25 * * *' }, ['#/cron'], /hour is '25'/],
    [{ cron: '0 0 31 2 *' }, ['#/cron'], /never comes/],
    [{ cron: undefined }, ['#/cron'], /./],
    [{ timeZone: 'Europe/Nowhere' }, ['#/timeZone'], /Europe\/Berlin/],
    [{ job: { ...job, devices: '7' } }, ['#/job/devices'], /7/],
    [{ job: { ...job, workingDirectory: '/nowhere' } }, ['#/job/workingDirectory'], /does not exist/],
    [{ job: { ...job, constraints: { model: 'A100' } } }, ['#/job/constraints'], /A100/],
    [{ job: { command: [] } }, ['#/job/command'], /empty command/],
    [{ job: undefined }, ['#/job'], /./],
    [{ overlap: 'maybe' }, ['#/overlap'], /skip/],
    [{ every: 5 }, ['#/every'], /'every'/],
    [
      { cron: 'x', timeZone: 'y', job: { ...job, gpus: 9 } },
      ['#/cron', '#/timeZone', '#/job/gpus'],
      /asks for 9/,
    ],
  ] as const) {
    const response = await daemon.post('/v1/schedules', { ...good, ...bad });
    const problem = (await response.json()) as Problem;
    expect([response.status, problem.errors?.map(({ pointer }) => pointer)]).toEqual([422, pointers]);
    expect(problem.detail).toMatch(says);
  }
  expect(await all()).toEqual(before);
});
