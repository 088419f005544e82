import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Ledger } from '../../apps/daemon/dist/ledger/ledger.js';
import { logsRemovedAt } from '../../apps/daemon/dist/ledger/record.js';
import { BY_USER, HALF_LIFE, jobIn, NODE, newJob } from '../support/ledger-story.js';
import { RedisServer } from '../support/redis-server.js';

let server: RedisServer;
let redis: ReturnType<RedisServer['connect']>;
let ledger: Ledger;
let epoch: string;

beforeAll(async () => {
  server = await RedisServer.start();
  redis = server.connect();
});
afterAll(() => server.stop());
beforeEach(async () => {
  await redis.flushall();
  ledger = new Ledger(redis);
  epoch = await ledger.lead(NODE, HALF_LIFE);
});

/** What grows or stays for reasons of its own: events, the next number, what users have used. */
const NOT_OF_JOBS = [
  '{berth}:events',
  '{berth}:number',
  '{berth}:usage',
  '{berth}:lastUsed',
  '{berth}:deviceUse',
];

async function everything(): Promise<string[]> {
  const all = await server.everything();
  return all.filter((each) => !NOT_OF_JOBS.some((key) => each.startsWith(`${key} `)));
}

const endingOf = async (id: string) => Number((await ledger.record(id))?.endedAt);
const forget = async (id: string, endedAt?: number) =>
  ledger.retention.forget({ id, endedAt: endedAt ?? (await endingOf(id)) });

describe('a job that is forgotten', () => {
  it.each(['succeeded', 'failed', 'cancelled'] as const)(
    'leaves nothing in the ledger, %s as it has',
    async (state) => {
      const before = await everything();
      const id = await jobIn(state, ledger, epoch);
      await forget(id);
      expect(await ledger.retention.removals()).toEqual([{ job: id, attempts: null }]);
      await ledger.retention.removed({ job: id, attempts: null });
      expect(await everything()).toEqual(before);
    },
  );

  it('leaves nothing of its group, schedule, key and dependencies either', async () => {
    const other = await jobIn('pending', ledger, epoch);
    const before = await everything();
    const job = newJob({ idempotency: { key: 'once', digest: 'd' } });
    const group = { id: 'grp_1', name: 'sweep', user: 'ada', size: 1, maxParallel: null, idempotency: null };
    await ledger.groups.open(group);
    const spec = {
      ...job.spec,
      after: [{ job: other, number: 1, on: 'succeeded' as const }],
      group: { id: group.id, index: 0, parameters: {} },
      schedule: { id: 'sch_1', at: '2026-11-21T02:00:00.000Z' },
    };
    await ledger.submit({ ...job, spec });
    await ledger.stop(job.id, 'cancelled', BY_USER);
    await forget(job.id);
    for (const removal of await ledger.retention.removals()) await ledger.retention.removed(removal);
    expect(await everything()).toEqual(before);
  });

  it('keeps its group while another job of it is there', async () => {
    await ledger.groups.open({
      id: 'grp_1',
      name: 'sweep',
      user: 'ada',
      size: 2,
      maxParallel: null,
      idempotency: null,
    });
    const jobs = [0, 1].map((index) => {
      const job = newJob();
      return { ...job, spec: { ...job.spec, group: { id: 'grp_1', index, parameters: {} } } };
    });
    await ledger.submitAll(jobs);
    for (const { id } of jobs) await ledger.stop(id, 'cancelled', BY_USER);
    await forget(jobs[0]?.id as string);
    expect(await ledger.groups.get('grp_1')).not.toBeNull();
    await forget(jobs[1]?.id as string);
    expect(await ledger.groups.get('grp_1')).toBeNull();
  });

  it('may be forgotten twice', async () => {
    const id = await jobIn('succeeded', ledger, epoch);
    const endedAt = await endingOf(id);
    await forget(id, endedAt);
    await forget(id, endedAt);
    expect(await ledger.record(id)).toBeNull();
  });
});

describe('refused is to forget', () => {
  it.each(['pending', 'starting', 'running', 'stopping'] as const)('a job that is %s', async (state) => {
    const id = await jobIn(state, ledger, epoch);
    const before = await everything();
    await expect(forget(id, 0)).rejects.toMatchObject({ code: 'wrong_state' });
    expect(await everything()).toEqual(before);
  });

  it('a job that a pending one waits for', async () => {
    const id = await jobIn('failed', ledger, epoch);
    const next = newJob();
    const after = [{ job: id, number: 1, on: 'succeeded' as const }];
    await ledger.submit({ ...next, spec: { ...next.spec, after, onDependencyFailure: 'wait' } });
    await expect(forget(id)).rejects.toMatchObject({ code: 'depended_on', found: [next.id] });
    await ledger.stop(next.id, 'cancelled', BY_USER);
    await forget(id);
    expect(await ledger.record(id)).toBeNull();
  });

  it('a job that ended once more, later than the caller has seen', async () => {
    const id = await jobIn('failed', ledger, epoch);
    await expect(forget(id, (await endingOf(id)) - 1)).rejects.toMatchObject({ code: 'changed_meanwhile' });
  });
});

describe('the index of ends', () => {
  it('has those that ended the longest ago first, and none that is requeued', async () => {
    const first = await jobIn('succeeded', ledger, epoch);
    const second = await jobIn('failed', ledger, epoch);
    expect((await ledger.retention.oldest(0, 10)).map(({ id }) => id)).toEqual([first, second]);
    await ledger.requeue(first, BY_USER);
    expect((await ledger.retention.oldest(0, 10)).map(({ id }) => id)).toEqual([second]);
  });
});

describe('logs that are removed', () => {
  it('are those of the attempts until now: the next one has some again', async () => {
    const id = await jobIn('failed', ledger, epoch);
    expect(logsRemovedAt(await ledger.record(id), 1)).toBeNull();
    await ledger.retention.removeLogs({ id, endedAt: await endingOf(id) });
    expect(logsRemovedAt(await ledger.record(id), 1)).toMatch(/^20..-/);
    expect(await ledger.retention.removals()).toEqual([{ job: id, attempts: 1 }]);
    await ledger.requeue(id, BY_USER);
    expect(logsRemovedAt(await ledger.record(id), 2)).toBeNull();
    await expect(ledger.retention.removeLogs({ id, endedAt: 0 })).rejects.toMatchObject({
      code: 'wrong_state',
    });
  });
});
