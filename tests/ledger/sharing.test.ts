import { randomUUID } from 'node:crypto';
import type { JobId } from '@berth/contract';
import { describe, expect, it } from 'vitest';
import { eventFromFields } from '../../apps/daemon/dist/ledger/event-feed.js';
import type { PlacedAttempt } from '../../apps/daemon/dist/ledger/record.js';
import { LedgerRefusal } from '../../apps/daemon/dist/ledger/refusal.js';
import { charge } from '../../packages/scheduler/dist/usage.js';
import { ENDING, HALF_LIFE, NEEDS, NODE, newJob, openLedger, placement } from '../support/ledger-story.js';

const GIB = 2 ** 30;

const { server, ledger, epoch } = await openLedger();

/** An attempt on one device of 80 GiB. @param gib null: all of it */
function part(uuid: string, gib: number | null): PlacedAttempt {
  return {
    node: NODE,
    devices: [{ uuid, index: 0 }],
    tasks: [{ rank: 0, devices: [uuid] }],
    masterPort: null,
    gpus: gib === null ? 1 : gib / 80,
    share: gib === null ? null : { bytes: gib * GIB, of: 80 * GIB },
  };
}

/** A job that was given a part of a device, or why it was refused. */
async function place(uuid: string, gib: number | null, user = 'ada'): Promise<JobId | string> {
  const { job } = await ledger.submit(newJob({ user, needs: { ...NEEDS, user } }));
  try {
    await ledger.assign(epoch, job.id, 1, part(uuid, gib));
    return job.id;
  } catch (error) {
    if (error instanceof LedgerRefusal) return error.code;
    throw error;
  }
}

async function end(job: JobId): Promise<void> {
  const task = { job, attempt: 1, rank: 0 };
  await ledger.claim(task, 'worker');
  await ledger.start(task, 4242, Date.now());
  await ledger.finish(task, ENDING, null);
}

const holdersOf = async (uuid: string): Promise<JobId[]> =>
  ((await ledger.devices.book()).holders.get(uuid) ?? []).map(({ job }) => job);

describe('a device that is shared', () => {
  it('takes jobs as long as their bytes fit, and again when one has ended, in whatever order they end', async () => {
    const uuid = `GPU-${randomUUID()}`;
    const [one, two, three] = [await place(uuid, 40), await place(uuid, 20), await place(uuid, 20)];
    expect(await holdersOf(uuid)).toEqual([one, two, three]);
    expect(await place(uuid, 1)).toBe('device_held');
    await end(two);
    expect(await holdersOf(uuid)).toEqual([one, three]);
    expect(await place(uuid, 21)).toBe('device_held');
    const four = await place(uuid, 20);
    for (const job of [one, four, three]) await end(job);
    expect(await holdersOf(uuid)).toEqual([]);
    expect(await place(uuid, null)).toMatch(/^job_/);
  });

  it('is never given to one that wants it for itself, nor the other way round', async () => {
    const [shared, exclusive] = [`GPU-${randomUUID()}`, `GPU-${randomUUID()}`];
    expect(await place(shared, 1)).toMatch(/^job_/);
    expect(await place(shared, null)).toBe('device_held');
    expect(await place(exclusive, null)).toMatch(/^job_/);
    expect(await place(exclusive, 1)).toBe('device_held');
  });

  it('tells its worker of all its tasks', async () => {
    const uuid = `GPU-${randomUUID()}`;
    const jobs = [await place(uuid, 10), await place(uuid, 10)];
    const { tasks: open } = await ledger.openTasks(uuid);
    expect(open.map(({ task, state }) => [task.job, state])).toEqual(jobs.map((job) => [job, 'waiting']));
  });
});

describe('what a user has used', () => {
  it('is charged at the end, as the scheduler computes it, and the device remembers when', async () => {
    const uuid = `GPU-${randomUUID()}`;
    const user = `u${Date.now()}`;
    let expected: ReturnType<typeof charge> | undefined;
    for (const gib of [40, null]) {
      const job = await place(uuid, gib, user);
      await new Promise((resolve) => setTimeout(resolve, 30));
      await end(job);
      const record = await ledger.record(job);
      const [since, at] = [Number(record?.['attempt:1:placedAt']), Number(record?.endedAt)];
      expect(at).toBeGreaterThan(since);
      expected = charge(expected, { gpus: gib === null ? 1 : 0.5, since }, at, HALF_LIFE);
    }
    const { usage, lastUsed } = await ledger.usage.past();
    expect(usage.get(user)?.gpuSeconds).toBeCloseTo(expected?.gpuSeconds as number, 9);
    expect(usage.get(user)?.at).toBe(expected?.at);
    expect(usage.get(user)?.total).toBeGreaterThan(0.04);
    expect(lastUsed.get(uuid)).toBe(expected?.at);
  });

  it('ends with the last of its tasks, however much later that is told of', async () => {
    const user = randomUUID();
    const { job } = await ledger.submit(newJob({ user, needs: { ...NEEDS, user } }));
    const placed = placement(2);
    await ledger.assign(epoch, job.id, 1, placed);
    const began = Date.now() - 60_000;
    await server.connect().hset(`{berth}:job:${job.id}`, 'attempt:1:placedAt', began);
    const tasks = [0, 1].map((rank) => ({ job: job.id, attempt: 1, rank }));
    for (const task of tasks) {
      await ledger.claim(task, 'worker');
      await ledger.start(task, 4242, began + 1000);
    }
    for (const task of tasks)
      await ledger.finish(task, { ...ENDING, endedAt: began + 6000 - task.rank }, null);
    const endedAt = new Date(began + 6000).toISOString();
    expect(await ledger.job(job.id)).toMatchObject({ endedAt, attempts: [{ endedAt }] });
    expect((await ledger.usage.past()).usage.get(user)).toMatchObject({ at: began + 6000, total: 12 });
    expect(await ledger.usage.jobs([job.id], 0)).toMatchObject([{ used: 12 }]);
    const { devices } = await ledger.usage.totals();
    expect(placed.devices.map(({ uuid }) => devices.get(uuid)?.used)).toEqual([6, 6]);
    expect(await ledger.stays.ended(began + 5999, began + 6000, 1)).toEqual([{ job: job.id, attempt: 1 }]);
    const [last] = await server.connect().xrevrange('{berth}:events', '+', '-', 'COUNT', 1);
    expect(eventFromFields(...(last as [string, string[]]))).toMatchObject({
      type: 'job.ended',
      endedAt: began + 6000,
    });
  });

  it('counts for half after a half-life', async () => {
    const user = 'old';
    const long = JSON.stringify({ gpuSeconds: 1000, at: Date.now() - HALF_LIFE * 1000, total: 1000 });
    await server.connect().hset('{berth}:usage', user, long);
    await end(await place(`GPU-${randomUUID()}`, null, user));
    const after = (await ledger.usage.past()).usage.get(user);
    expect(after?.gpuSeconds).toBeCloseTo(500, 0);
    expect(after?.total).toBeGreaterThanOrEqual(1000);
  });
});

it('the peaks of the last runs of a name are kept, newest first, each once', async () => {
  const peaksOf = async (): Promise<number[][]> =>
    (await ledger.usage.peaks('ada', 'train')).map(({ number, bytes }) => [number, bytes]);
  for (let number = 1; number <= 12; number += 1)
    await ledger.usage.notePeak({ user: 'ada', name: 'train', number, bytes: number * GIB });
  await ledger.usage.notePeak({ user: 'ada', name: 'train', number: 12, bytes: 13 * GIB });
  expect(await peaksOf()).toHaveLength(10);
  expect((await peaksOf()).slice(0, 2)).toEqual([
    [12, 13 * GIB],
    [11, 11 * GIB],
  ]);
  expect(await ledger.usage.peaks('bob', 'train')).toEqual([]);
});

it('of what devices did while they were held, what is sent twice counts once, and a job that is gone leaves its part', async () => {
  const [user, device] = [randomUUID(), `GPU-${randomUUID()}`];
  const job = (await place(device, 40, user)) as JobId;
  const seen = { job, user, device, watched: 3, idle: 1.5 };
  await ledger.usage.noteActivity('first', [seen]);
  await ledger.usage.noteActivity('first', [seen]);
  await ledger.usage.noteActivity('second', [seen, { ...seen, job: 'job_forgotten' as JobId }]);
  const { users, devices } = await ledger.usage.totals();
  expect(users.get(user)).toMatchObject({ watched: 9, idle: 4.5 });
  expect(devices.get(device)).toMatchObject({ watched: 9, idle: 4.5 });
  expect(await ledger.usage.jobs([job], 0)).toMatchObject([{ job, user, used: 0, watched: 6, idle: 3 }]);
  await end(job);
  const [over] = await ledger.usage.jobs([job], 0);
  expect(over?.used).toBeGreaterThan(0);
  expect((await ledger.usage.totals()).devices.get(device)?.used).toBeCloseTo(over?.used as number, 9);
});
