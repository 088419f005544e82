import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Explanation, Group, Job, JobSubmissionInput, Problem, Usage } from '@berth/contract';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually, TestDaemon } from '../support/daemon.js';

const GIB = 2 ** 30;
const HOLD_MEMORY = new URL('../../examples/hold_memory.py', import.meta.url).pathname;
const SETTINGS = `
users:
  "*": {gpus: 2}
  bob: {weight: 3}
deviceLabels:
  "1": {pool: debug}
  "9": {pool: gone}
`;

const folder = mkdtempSync(join(tmpdir(), 'berth-sharing-'));
let daemon: TestDaemon;
beforeAll(async () => {
  writeFileSync(join(folder, 'berth.yaml'), SETTINGS);
  daemon = await TestDaemon.start('2xH100-80GB', '--config', join(folder, 'berth.yaml'));
});
afterAll(async () => {
  await daemon.destroy();
  rmSync(folder, { recursive: true });
});

const get = async <T>(path: string): Promise<T> => (await (await daemon.request(path)).json()) as T;
const holdMemory = (gib: number, more: Partial<JobSubmissionInput>): Promise<Job> =>
  daemon.submit({
    command: ['/usr/bin/python3', HOLD_MEMORY, String(gib), '60'],
    workingDirectory: '/',
    ...more,
  } as JobSubmissionInput);
const indexOf = ({ attempts }: Job): number | undefined => attempts.at(-1)?.devices[0]?.index;
const refusalOf = async (path: string, body: object): Promise<Problem['errors']> => {
  const response = await daemon.post(path, body);
  expect(response.status).toBe(422);
  return ((await response.json()) as Problem).errors;
};
const endAll = async (...jobs: Job[]): Promise<void> => {
  for (const job of jobs) await daemon.cancel(job);
  for (const job of jobs) await daemon.ended(job);
};

describe('jobs that share a device', () => {
  it('run beside each other, each is told what it has of what it declared, and a whole device stays free', async () => {
    const one = await holdMemory(8, { sharing: { memory: '20GiB' } });
    const two = await holdMemory(4, { sharing: { slots: 4 }, user: 'bob' });
    const [first, second] = [await daemon.until(one, 'running'), await daemon.until(two, 'running')];
    expect([indexOf(first), indexOf(second)]).toEqual([0, 0]);
    expect(first.sharing).toEqual({ memoryBytes: 20 * GIB, slots: null, proposedFrom: null });
    const [device] = await daemon.devices();
    expect(device?.holders.map(({ job, sharedBytes }) => [job, sharedBytes === 20 * GIB])).toEqual([
      [one.id, true],
      [two.id, false],
    ]);
    const using = await eventually(
      () => daemon.job(one),
      ({ deviceUse }) => (deviceUse?.[0]?.jobBytes ?? 0) > 8 * GIB,
    );
    expect(using.deviceUse?.[0]).toMatchObject({ declaredBytes: 20 * GIB, foreignBytes: 0 });
    expect(using.deviceUse?.[0]?.peakBytes).toBeGreaterThan(8 * GIB);
    expect(using.deviceUse?.[0]?.jobBytes).toBeLessThan(12 * GIB);

    const exclusive = await daemon.shell('true', { devices: '0', user: 'bob' });
    const waiting = await eventually(
      () => daemon.job(exclusive),
      ({ reason }) => reason !== null,
    );
    expect(waiting.reason?.sentence).toContain(`device 0 is shared by jobs ${one.number}, ${two.number}`);
    const large = await daemon.shell('true', { devices: '0', sharing: { memory: '60GiB' }, user: 'bob' });
    const { devices } = await get<Explanation>(`/v1/jobs/${large.id}/explain`);
    expect(devices[0]?.why).toMatch(/which leaves too little of it$/);
    await endAll(one, two);
    expect((await daemon.ended(exclusive)).state).toBe('succeeded');
    expect((await daemon.ended(large)).state).toBe('succeeded');
  });

  it('are told when they have more than they declared', async () => {
    const job = await holdMemory(6, { sharing: { memory: '2GiB' }, devices: '0' });
    const noticed = await eventually(
      () => daemon.job(job),
      ({ notices }) => notices.length > 0,
    );
    expect(noticed.notices).toMatchObject([{ code: 'memory_exceeded' }]);
    expect(noticed.notices[0]?.sentence).toMatch(/^it has 6\.\d GiB of device 0, .* declared 2 GiB/);
    expect(noticed.state).toBe('running');
    await endAll(job);
  });

  it('may ask for as much as earlier runs of their name had', async () => {
    const name = 'finetune';
    const auto = { name, command: ['true'], workingDirectory: '/', sharing: { memory: 'auto' } };
    expect(await refusalOf('/v1/jobs', auto)).toMatchObject([
      { pointer: '#/sharing/memory', detail: expect.stringContaining('no run of "finetune"') },
    ]);
    const run = await daemon.submit({
      ...auto,
      command: ['/usr/bin/python3', HOLD_MEMORY, '5', '2.5'],
      sharing: { memory: '10GiB' },
    });
    expect((await daemon.ended(run)).state).toBe('succeeded');
    const asked = await eventually(
      () => daemon.post('/v1/jobs?dryRun=true', auto),
      ({ status }) => status === 200,
    );
    expect(asked.status).toBe(200);
    const job = await daemon.submit(auto);
    expect(job.sharing?.proposedFrom).toEqual([run.number]);
    // The peak (5 GiB and a context), a tenth, and a quarter of a GiB.
    expect(job.sharing?.memoryBytes).toBeGreaterThan(5.75 * GIB);
    expect(job.sharing?.memoryBytes).toBeLessThan(7 * GIB);
    await daemon.ended(job);
  });

  it.each<[object, string, string]>([
    [{ sharing: { memory: '10GiB', slots: 2 } }, '#/sharing/memory', 'not both'],
    [{ sharing: {} }, '#/sharing/memory', 'give memory or slots'],
    [{ sharing: { slots: 1 } }, '#/sharing/slots', 'one slot is the whole device'],
    [{ sharing: { memory: 0 } }, '#/sharing/memory', 'without memory'],
    [{ sharing: { memory: '2TiB' } }, '#/sharing/memory', 'the largest that it may use has 79.6 GiB'],
    [{ sharing: { slots: 2 }, gpus: 2 }, '#/sharing', 'only a job of one device'],
    [{ sharing: { slots: 2 }, devices: '0,1' }, '#/sharing', 'add gpus: 1'],
    [{ sharing: { slots: 2 }, launch: 'perDevice' }, '#/sharing', 'only a job of one device'],
    [{ user: 'a b' }, '#/user', 'is no user name'],
    [{ constraints: { labels: { pool: 'gone' } } }, '#/constraints', 'labelled pool=gone'],
  ])('%j is refused by name', async (more, pointer, detail) => {
    const errors = await refusalOf('/v1/jobs', { command: ['true'], workingDirectory: '/', ...more });
    expect(errors).toEqual([{ pointer, detail: expect.stringContaining(detail) }]);
  });
});

describe('users', () => {
  it('may hold so many devices at a time; what they have used is shown, and whose turn it is', async () => {
    const held = await daemon.shell('sleep 60', { gpus: 2, user: 'ada' });
    await daemon.until(held, 'running');
    const more = await daemon.shell('true', { user: 'ada' });
    const other = await daemon.shell('true', { user: 'bob' });
    const waiting = await eventually(
      () => daemon.job(more),
      ({ reason }) => reason !== null,
    );
    expect(waiting.reason).toMatchObject({
      code: 'quota',
      sentence: 'needs 1; ada holds 2 of at most 2 devices',
    });
    const { unknownBecause, sooner } = await get<Explanation>(`/v1/jobs/${more.id}/explain`);
    expect([unknownBecause, sooner]).toEqual([waiting.reason?.sentence, ['when another job of ada ends']]);
    // Who has used less goes first, though it came later.
    await eventually(
      () => Promise.all([other, more].map(async (job) => (await daemon.job(job)).position)),
      (positions) => positions.join() === '1,2',
    );

    const { users } = await get<Usage>('/v1/usage');
    const ada = users.find(({ user }) => user === 'ada');
    expect(ada).toMatchObject({ gpus: 2, runningJobs: 1, pendingJobs: 1, mostGpus: 2, weight: 1 });
    expect(users.findIndex(({ user }) => user === 'bob')).toBeLessThan(
      users.indexOf(ada as Usage['users'][0]),
    );
    expect(users.find(({ user }) => user === 'bob')).toMatchObject({ weight: 3, mostGpus: null });
    await endAll(held);
    await Promise.all([more, other].map((job) => daemon.ended(job)));
    const after = await eventually(
      async () => (await get<Usage>('/v1/usage')).users.find(({ user }) => user === 'ada'),
      (each) => each?.gpus === 0,
    );
    expect(after?.gpuSecondsTotal).toBeGreaterThan(0);
  });

  it('are not taken in who want more than they may ever hold', async () => {
    const errors = await refusalOf('/v1/jobs', {
      command: ['true'],
      workingDirectory: '/',
      gpus: 3,
      user: 'eve',
    });
    expect(errors?.map(({ detail }) => detail)).toContain(
      "asks for 3 devices, but eve may hold 2 at a time (the daemon's setting `users`)",
    );
  });
});

it('devices are chosen by the labels that the settings give them', async () => {
  const [, second] = await daemon.devices();
  expect(second?.labels).toEqual({ pool: 'debug' });
  const job = await daemon.shell('true', { constraints: { labels: { pool: 'debug' } } });
  expect(indexOf(await daemon.ended(job))).toBe(1);
  expect(daemon.output).toContain('deviceLabels of \\"9\\": entry 1');
});

it('of a group no more than maxParallel run at a time', async () => {
  const response = await daemon.post('/v1/jobs/batch', {
    template: { script: 'sleep 0.2', workingDirectory: '/', user: 'bob', sharing: { slots: 8 } },
    matrix: { seed: [1, 2, 3, 4, 5] },
    maxParallel: 2,
  });
  const group = (await response.json()) as Group;
  expect(group).toMatchObject({ size: 5, maxParallel: 2 });
  await eventually(
    () => get<Group>(`/v1/groups/${group.id}`),
    ({ states }) => states.succeeded === 5,
  );
  const { items } = await get<{ items: Job[] }>(`/v1/jobs?group=${group.id}`);
  const spans = items.map(({ attempts: [attempt] }) => [
    Date.parse(attempt?.placedAt as string),
    Date.parse(attempt?.endedAt as string),
  ]) as [number, number][];
  for (const [start] of spans) {
    const atOnce = spans.filter(([from, to]) => from <= start && start < to);
    expect(atOnce.length).toBeLessThanOrEqual(2);
  }
});

it('what is shared is known again after a restart', async () => {
  const jobs = [
    await holdMemory(3, { sharing: { memory: '30GiB' }, devices: '0' }),
    await holdMemory(3, { sharing: { memory: '30GiB' }, devices: '0' }),
  ];
  for (const job of jobs) await daemon.until(job, 'running');
  await daemon.kill();
  await daemon.start();
  const [device] = await daemon.devices();
  expect(device?.holders.map(({ job }) => job)).toEqual(jobs.map(({ id }) => id));
  const third = await daemon.shell('true', { devices: '0', sharing: { memory: '30GiB' }, user: 'bob' });
  const waiting = await eventually(
    () => daemon.job(third),
    ({ reason }) => reason !== null,
  );
  expect(waiting.reason?.sentence).toContain('have room: device 0 is shared by jobs');
  await endAll(...jobs);
  expect((await daemon.ended(third)).state).toBe('succeeded');
});

it('where the settings say so, a job that has more than it declared is ended, and says why', async () => {
  await daemon.stop();
  writeFileSync(join(folder, 'berth.yaml'), 'memoryExceeded: kill\n');
  await daemon.start();
  const job = await holdMemory(6, { sharing: { memory: '2GiB' } });
  const ended = await daemon.ended(job);
  expect(ended).toMatchObject({ state: 'failed', cause: { code: 'memory_exceeded' } });
  expect(ended.cause?.sentence).toContain('but declared 2 GiB');
});
