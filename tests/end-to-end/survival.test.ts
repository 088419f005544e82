import { cpSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import type { Device, DeviceList, DoctorReport, Event, EventType, Job } from '@berth/contract';
import { Redis } from 'ioredis';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { eventually, isAlive, TestDaemon } from '../support/daemon.js';
import { sentEvents, until } from '../support/event-source.js';

let daemon: TestDaemon;
let scratch: string;
beforeEach(async () => {
  daemon = await TestDaemon.start('2xH100-80GB');
  scratch = mkdtempSync(join(tmpdir(), 'berth-scratch-'));
});
afterEach(async () => {
  await daemon.destroy();
  rmSync(scratch, { recursive: true });
});

/** A job that notes each start, counts aloud, and ends with code 7 once it is told to. */
async function countingJob(): Promise<Job> {
  const job = await daemon.shell(
    `echo started >> ${scratch}/starts
     i=0; until [ -e ${scratch}/end ]; do i=$((i+1)); echo "count $i"; sleep 0.05; done; echo last; exit 7`,
    { devices: '1' },
  );
  await daemon.until(job, 'running');
  return job;
}

function letItEnd(): void {
  writeFileSync(join(scratch, 'end'), '');
}

/** The job goes on, is there as running, its log is followed on, its exit code arrives, and it was started once. */
async function expectUnharmed(job: Job): Promise<void> {
  expect((await daemon.job(job)).state).toBe('running');
  const counted = (log: string): number => Number(/count (\d+)\n(?!.*count)/s.exec(log)?.[1] ?? 0);
  const before = counted(await daemon.logs(job));
  await eventually(
    () => daemon.logs(job),
    (log) => counted(log) > before,
  );
  const following = daemon.logs(job, 'follow=true&tail=1');
  letItEnd();
  expect(await following).toMatch(/last\n$/);
  expect(await daemon.ended(job)).toMatchObject({
    state: 'failed',
    cause: { code: 'exit_code', exitCode: 7 },
  });
  expect(readFileSync(join(scratch, 'starts'), 'utf8')).toBe('started\n');
}

/** That a process was killed is told by an event, with its device where it has one, counted, and shown with the devices and by the doctor. */
async function expectTold(type: EventType, process: 'worker' | 'redis', device?: Device): Promise<void> {
  const sentence = expect.stringMatching(
    /^(its worker|Berth's own Redis) was killed by SIGKILL .* running jobs go on$/,
  ) as string;
  const events = sentEvents(await daemon.request(`/v1/events?type=${type}&after=0-0`));
  const [told] = (await until(events, () => true)).map(({ data }) => data as Event);
  expect([told?.device, told?.sentence]).toEqual([device?.uuid, sentence]);
  await events.return(undefined);
  const metrics = await (await daemon.request('/metrics')).text();
  expect(metrics).toContain(`berth_process_restarts_total{process="${process}"} 1\n`);
  const restart = { at: expect.any(String) as string, exitCode: null, signal: 'SIGKILL', sentence };
  const list = (await (await daemon.request('/v1/devices')).json()) as DeviceList;
  expect(list.redisRestarts).toEqual(process === 'redis' ? [restart] : []);
  for (const { uuid, workerRestarts } of list.items)
    expect(workerRestarts).toEqual(uuid === device?.uuid ? [restart] : []);
  const { findings } = (await (await daemon.request('/v1/doctor?python=/bin/false')).json()) as DoctorReport;
  expect(findings).toContainEqual(
    expect.objectContaining({
      id: device ? `device-${device.index}-worker` : 'redis-restarts',
      level: 'warning',
      sentence: expect.stringMatching(/1 restart in the last 24 hours, the last at .* SIGKILL/) as string,
    }),
  );
}

describe('a running job does not notice', () => {
  it('the death and return of the daemon', async () => {
    const job = await countingJob();
    await daemon.kill();
    await daemon.start();
    const sentence = expect.stringMatching(
      /the berthd before this one was killed, .* taken up 1 running task$/,
    ) as string;
    const list = (await (await daemon.request('/v1/devices')).json()) as DeviceList;
    expect(list.daemonRestarts).toMatchObject([{ sentence }]);
    const { findings } = (await (
      await daemon.request('/v1/doctor?python=/bin/false')
    ).json()) as DoctorReport;
    expect(findings).toContainEqual(expect.objectContaining({ id: 'daemon-restarts', sentence }));
    await expectUnharmed(job);
  });

  it('the stop and return of the daemon', async () => {
    const job = await countingJob();
    expect(await daemon.stop()).toBe(0);
    await daemon.start();
    const list = (await (await daemon.request('/v1/devices')).json()) as DeviceList;
    expect(list.daemonRestarts).toEqual([]);
    await expectUnharmed(job);
  });

  it('the return of a daemon of other settings, whose worker takes the place of the one that was there', async () => {
    const job = await countingJob();
    const [, device] = (await daemon.devices()) as [Device, Device];
    const before = daemon.workerOf(device);
    expect(await daemon.stop()).toBe(0);
    vi.stubEnv('BERTH_LOG_LEVEL', 'debug');
    await daemon.start();
    vi.unstubAllEnvs();
    await eventually(
      () => daemon.findWorker(device),
      (worker) => worker !== undefined && worker !== before,
    );
    await expectUnharmed(job);
    expect((await daemon.devices()).flatMap(({ workerRestarts }) => workerRestarts)).toEqual([]);
  });

  it('the death of its worker', async () => {
    const job = await countingJob();
    const [, device] = (await daemon.devices()) as [Device, Device];
    const worker = daemon.workerOf(device);
    // By this a frozen one is noticed, after half a minute.
    expect(readFileSync(join(daemon.dataDirectory, 'workers', `${device.uuid}.lock`), 'utf8')).toMatch(
      new RegExp(`^${worker} `),
    );
    process.kill(worker, 'SIGKILL');
    await eventually(
      () => isAlive(worker),
      (alive) => !alive,
    );
    await expectUnharmed(job);
    await expectTold('device.worker_restarted', 'worker', device);
  });

  it('the death of Redis', async () => {
    const job = await countingJob();
    process.kill(daemon.holderOf('redis/redis.lock'), 'SIGKILL');
    await eventually(
      async () => (await daemon.request('/readyz')).status,
      (status) => status === 200,
    );
    await expectUnharmed(job);
    await expectTold('redis.restarted', 'redis');
  });

  it('the death of all of them at once', async () => {
    const job = await countingJob();
    const [, device] = (await daemon.devices()) as [Device, Device];
    const victims = [daemon.workerOf(device), daemon.holderOf('redis/redis.lock')];
    await daemon.kill();
    for (const pid of victims) process.kill(pid, 'SIGKILL');
    await daemon.start();
    await expectUnharmed(job);
  });
});

describe('what happened while nobody looked', () => {
  it('is known afterwards: a job that ended while daemon and worker were dead has its exit code and its time', async () => {
    const job = await countingJob();
    const [, device] = (await daemon.devices()) as [Device, Device];
    const worker = daemon.workerOf(device);
    const pid = (await daemon.job(job)).attempts[0]?.tasks[0]?.pid as number;
    await daemon.kill();
    process.kill(worker, 'SIGKILL');
    letItEnd();
    await eventually(
      () => isAlive(pid),
      (alive) => !alive,
    );
    await daemon.start();
    const ended = await daemon.ended(job);
    expect(ended).toMatchObject({ state: 'failed', cause: { code: 'exit_code', exitCode: 7 } });
    // It ended then, not when that was found out.
    expect(ended.endedAt).toBe(ended.attempts[0]?.tasks[0]?.endedAt);
  });

  it('a job that ran when the host went down says so', async () => {
    const job = await daemon.shell('sleep 300', { devices: '1' });
    await daemon.until(job, 'running');
    const [, device] = (await daemon.devices()) as [Device, Device];
    const worker = daemon.workerOf(device);
    const file = join(daemon.dataDirectory, 'jobs', `${job.id}.1.0`, 'start.json');
    const record = JSON.parse(readFileSync(file, 'utf8')) as { shimPid: number };
    await daemon.kill();
    for (const pid of [worker, record.shimPid]) process.kill(pid, 'SIGKILL');
    writeFileSync(file, JSON.stringify({ ...record, bootId: 'the one before' }));
    await daemon.start();
    expect((await daemon.ended(job)).cause).toMatchObject({
      code: 'worker_lost',
      sentence: expect.stringMatching(
        /the host went down while it ran, so how it ended is unknown/,
      ) as string,
    });
  });

  it('jobs that waited when the daemon died run when it is back', async () => {
    const first = await countingJob();
    const second = await daemon.shell('echo here', { devices: '1' });
    await daemon.kill();
    letItEnd();
    await daemon.start();
    expect((await daemon.ended(first)).cause?.exitCode).toBe(7);
    expect(await daemon.logs(second, 'follow=true')).toBe('here\n');
  });

  it('a job whose folder was removed is not run again, and no process of it is left', async () => {
    const [, device] = (await daemon.devices()) as [Device, Device];
    const lost = expect.stringMatching(/ is gone, so how it ended is unknown; /) as string;
    const failed = { state: 'failed', cause: { code: 'worker_lost', sentence: lost } };
    const expectEndAfter = async (what: (job: Job) => unknown, end: object): Promise<void> => {
      const job = await countingJob();
      const pid = (await daemon.job(job)).attempts[0]?.tasks[0]?.pid as number;
      rmSync(join(daemon.dataDirectory, 'jobs', `${job.id}.1.0`), { recursive: true });
      await what(job);
      const ended = await daemon.ended(job);
      expect(ended).toMatchObject(end);
      expect(ended.attempts).toHaveLength(1);
      expect(isAlive(pid)).toBe(false);
    };
    await expectEndAfter(() => process.kill(daemon.workerOf(device), 'SIGKILL'), failed);
    await expectEndAfter((job) => daemon.cancel(job), { state: 'cancelled' });
    await expectEndAfter(letItEnd, failed);
    expect(readFileSync(join(scratch, 'starts'), 'utf8')).toBe('started\n'.repeat(3));
  });

  it('a job whose shim was killed ends as worker_lost, and none of its processes is left', async () => {
    const job = await daemon.shell(`setsid sleep 300 & echo $! > ${scratch}/stray; wait`, { devices: '0' });
    await daemon.until(job, 'running');
    const stray = Number(
      await eventually(
        () => readQuietly(join(scratch, 'stray')),
        (text) => text.endsWith('\n'),
      ),
    );
    const record = readFileSync(join(daemon.dataDirectory, 'jobs', `${job.id}.1.0`, 'start.json'), 'utf8');
    const shim = (JSON.parse(record) as { shimPid: number }).shimPid;
    process.kill(shim, 'SIGKILL');
    expect(await daemon.ended(job)).toMatchObject({ state: 'failed', cause: { code: 'worker_lost' } });
    expect(isAlive(stray)).toBe(false);
    await eventually(
      () => daemon.devices(),
      ([device]) => device?.holders.length === 0,
    );
  });
});

it('a task whose shim can not run is tried again in the same attempt, and its owner told, until it can', async () => {
  const built = new URL('../../packages/task-shim/build', import.meta.url).pathname;
  for (const each of [built, built.replace('task-shim', 'cuda-core')])
    cpSync(each, scratch, { recursive: true });
  const shim = join(scratch, 'berth-shim');
  writeFileSync(shim, '#!/bin/sh\necho >> "$(dirname "$0")/tries"; exit 64\n');
  const packageFolder = new URL('../../packages/task-shim', import.meta.url).pathname;
  const environment = { BERTH_NATIVE_BUILD: relative(packageFolder, scratch) };
  const other = new TestDaemon('1xT4', [], environment);
  try {
    await other.start();
    const job = await other.shell('echo it runs');
    const { notices, attempts } = await eventually(
      () => other.job(job),
      (seen) => seen.notices.length > 0,
    );
    expect(notices[0]?.code).toBe('start_delayed');
    expect(notices[0]?.sentence).toMatch(
      /tries again every second: its shim .* ended before the command began/,
    );
    expect(attempts).toHaveLength(1);
    await eventually(
      () => readFileSync(join(scratch, 'tries'), 'utf8').length,
      (tries) => tries >= 2,
    );
    // In one step: it is tried while we do this.
    cpSync(join(built, 'berth-shim'), `${shim}.new`);
    renameSync(`${shim}.new`, shim);
    expect(await other.ended(job)).toMatchObject({ state: 'succeeded', attempts: [{ number: 1 }] });
    expect(await other.logs(job)).toBe('it runs\n');
    const [device] = await other.devices();
    const said = readFileSync(join(other.dataDirectory, 'workers', `${device?.uuid}.log`), 'utf8');
    for (const once of ['a task can not be started yet', 'a task could be started after all'])
      expect(said.split(once)).toHaveLength(2);
  } finally {
    await other.destroy();
  }
});

it('a daemon that stops with nothing to do takes its workers and its Redis with it', async () => {
  // On both, for one that is just starting may take too long to leave.
  const job = await daemon.shell('true', { gpus: 2, launch: 'perDevice' });
  await daemon.ended(job);
  const left = [daemon.holderOf('redis/redis.lock'), ...(await daemon.allWorkers())];
  expect(await daemon.stop()).toBe(0);
  expect(left.filter(isAlive)).toEqual([]);
  await daemon.start();
  expect((await daemon.job(job)).state).toBe('succeeded');
});

it('a daemon that manages other devices than the one before it lets the old workers go', async () => {
  const [stays, goes] = (await daemon.allWorkers()) as [number, number];
  await daemon.kill();
  await daemon.start('1xH100-80GB');
  await eventually(
    () => isAlive(goes),
    (alive) => !alive,
  );
  expect(isAlive(stays)).toBe(true);
});

it('a scheduler whose view of the ledger is wrong notices, and reads it anew', async () => {
  const { uuid } = (await daemon.devices())[0] as Device;
  const redis = new Redis(join(daemon.dataDirectory, 'redis/redis.sock'));
  // Somebody holds the device, and no event has told of it.
  await redis.hset('{berth}:allocations', uuid, 'job_of_nobody 1');
  const job = await daemon.shell('true', { devices: '0' });
  await eventually(
    () => daemon.output,
    (output) => output.includes('is not what the ledger has'),
  );
  expect((await daemon.job(job)).state).toBe('pending');
  await redis.hdel('{berth}:allocations', uuid);
  expect((await daemon.ended(job)).state).toBe('succeeded');
  redis.disconnect();
});

it('a second daemon on the same data directory refuses and says why', async () => {
  await expect(daemon.start()).rejects.toThrow(/another berthd runs on .* already/);
});

function readQuietly(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

it('a daemon that can not listen says why, and leaves nothing behind', async () => {
  const other = TestDaemon.start('1xT4', '--listen', new URL(daemon.address).host);
  await expect(other).rejects.toThrow(/can't listen on .*EADDRINUSE.*choose another with --listen/s);
  const left = TestDaemon.last?.processes() ?? [];
  await TestDaemon.last?.destroy();
  expect(left).toEqual([]);
});
