import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Device, DeviceHistory, DeviceList, Job, JobMetrics, Problem } from '@berth/contract';
import { changeSimulation, createSimulation, type SimulationChange } from '@berth/cuda-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { eventually, TestDaemon } from '../support/daemon.js';

const GIB = 2 ** 30;
const SIMULATED_LIBRARIES = new URL('../../packages/cuda-core/build/simulated', import.meta.url).pathname;
const HOLD_MEMORY = new URL('../../examples/hold_memory.py', import.meta.url).pathname;

let daemon: TestDaemon;
beforeAll(async () => {
  daemon = await TestDaemon.start('8xH100-80GB');
});
afterAll(() => daemon.destroy());

const change = (what: SimulationChange, of = daemon): void =>
  changeSimulation(join(of.dataDirectory, 'simulation.state'), what);
const get = async <T>(path: string, of = daemon): Promise<T> => (await (await of.request(path)).json()) as T;
const device = (index: number | string, of = daemon): Promise<Device> => get(`/v1/devices/${index}`, of);
const obstacleOf = ({ obstacles }: Device): string | undefined => obstacles[0]?.code;
const holdMemory = (gib: number, more: object = {}, of = daemon): Promise<Job> =>
  of.submit({
    command: ['/usr/bin/python3', HOLD_MEMORY, String(gib), '60'],
    workingDirectory: '/',
    ...more,
  });

describe('a device', () => {
  it('is known better than nvidia-smi shows it', async () => {
    // Who is on it is learnt apart from the sample, and shortly after it.
    const [first] = await eventually(
      () => daemon.devices(),
      (devices) => devices.every(({ sample }) => sample?.processes),
    );
    expect(first).toMatchObject({
      index: 0,
      architecture: 'Hopper',
      computeCapability: '9.0',
      computeMode: 'default',
      eccEnabled: true,
      numaNode: 0,
      health: { state: 'ok', sentence: null },
      obstacles: [],
      sample: { memoryUsedBytes: 0, processes: [], jobBytes: 0, foreignBytes: 0, throttled: [] },
    });
    expect(first?.powerLimitWatts).toBeGreaterThan(100);
    expect(first?.sample?.clocks.smMegahertz).toBeGreaterThan(0);
    expect(first?.links).toHaveLength(7);
    expect(first?.links[0]).toMatchObject({ nvlinks: 18 });
    expect(first?.cpuAffinity).toMatch(/^\d/);
  });

  it('is found by index, UUID and the beginning of a UUID; another is not, and the answer says which there are', async () => {
    const { uuid } = await device(3);
    expect((await device(uuid)).index).toBe(3);
    expect((await device(uuid.slice(0, 12))).index).toBe(3);
    const response = await daemon.request('/v1/devices/8');
    expect(response.status).toBe(404);
    expect(((await response.json()) as Problem).detail).toContain('there are 0, 1, 2, 3, 4, 5, 6, 7');
  });

  it("knows its place in CUDA's own order", async () => {
    await eventually(
      () => daemon.devices(),
      (devices) => devices.every(({ cudaIndex }, i) => cudaIndex === i),
    );
  });
});

describe('a foreign process', () => {
  const process = (memoryBytes: number) => change({ device: 0, process: { pid: 4_194_304, memoryBytes } });
  afterEach(() => process(0));

  it('keeps jobs away, which say its pid and its bytes, until it is gone', async () => {
    process(40 * GIB);
    await eventually(
      () => device(0),
      (each) => obstacleOf(each) === 'foreign_use',
    );
    const job = await daemon.shell('true', { devices: '0' });
    const waiting = await eventually(
      () => daemon.job(job),
      ({ reason }) => reason !== null,
    );
    expect(waiting).toMatchObject({ state: 'pending', reason: { code: 'resources' } });
    expect(waiting.reason?.sentence).toMatch(
      /device 0: process 4194304 .* has 40 GiB on it; it belongs to no job/,
    );
    expect((await device(0)).keepsWaiting).toEqual({ jobs: 1, first: [job.number] });
    expect((await get<DeviceList>('/v1/devices')).foreignLimitBytes).toBe(GIB / 2);
    process(0);
    expect((await daemon.ended(job)).state).toBe('succeeded');
    expect((await device(0)).keepsWaiting).toBeNull();
  });

  it('that takes little does no harm, but is shown', async () => {
    process(GIB / 4);
    const shown = await eventually(
      () => device(0),
      ({ sample }) => sample?.foreignBytes === GIB / 4,
    );
    expect(shown.sample?.processes).toMatchObject([{ pid: 4_194_304, job: null, memoryBytes: GIB / 4 }]);
    const job = await daemon.shell('true', { devices: '0' });
    expect((await daemon.ended(job)).state).toBe('succeeded');
    expect((await device(0)).obstacles).toEqual([]);
  });
});

describe("a job's memory", () => {
  it('is seen on its device, is its own, and stays in its past', async () => {
    const job = await holdMemory(5, { devices: '2' });
    const owned = await eventually(
      () => device(2),
      ({ sample }) => (sample?.jobBytes ?? 0) >= 5 * GIB,
    );
    expect(owned.sample?.processes).toMatchObject([{ job: job.id, number: job.number, command: 'python3' }]);
    expect(owned.sample?.foreignBytes).toBe(0);
    const { deviceUse } = await daemon.until(job, 'running');
    expect(deviceUse).toMatchObject([{ index: 2, foreignBytes: 0, processes: [{ job: job.id }] }]);
    expect(deviceUse?.[0]?.jobBytes).toBeGreaterThanOrEqual(5 * GIB);
    const metrics = await eventually(
      () => get<JobMetrics>(`/v1/jobs/${job.number}/metrics?since=1m`),
      ({ devices }) => (devices[0]?.peakMemoryBytes ?? 0) >= 5 * GIB,
    );
    expect(metrics).toMatchObject({ job: job.id, attempt: 1, devices: [{ index: 2, stepSeconds: 1 }] });
    await daemon.cancel(job);
    await daemon.ended(job);
    const past = await get<JobMetrics>(`/v1/jobs/${job.number}/metrics`);
    expect(past.devices[0]?.points.some(({ memoryUsedBytes }) => (memoryUsedBytes ?? 0) >= 5 * GIB)).toBe(
      true,
    );
    const history = await get<DeviceHistory>(`/v1/devices/2/history?since=1m&step=2s`);
    expect(history.stepSeconds).toBe(2);
    expect(history.points.at(-1)).toMatchObject({ temperatureCelsius: 34, utilisation: 0 });
  });

  it('is not counted as foreign when the job has just ended', async () => {
    for (let i = 0; i < 3; i += 1) {
      const job = await holdMemory(4, { devices: '3' });
      await eventually(
        () => device(3),
        ({ sample }) => (sample?.jobBytes ?? 0) >= 4 * GIB,
      );
      await daemon.cancel(job);
      await daemon.ended(job);
      expect((await device(3)).obstacles).toEqual([]);
    }
  });

  it('on a device that is not its own is a trespass, which its owner is told of', async () => {
    const script = `CUDA_VISIBLE_DEVICES=5 exec /usr/bin/python3 ${HOLD_MEMORY} 1 60`;
    const job = await daemon.shell(script, { devices: '4' });
    const told = await eventually(
      () => daemon.job(job),
      ({ notices }) => notices.length > 0,
    );
    expect(told.notices).toMatchObject([{ code: 'trespass', attempt: 1, device: (await device(5)).uuid }]);
    expect(told.notices[0]?.sentence).toMatch(/on device 5, which is not its own \(it was given 4\)/);
    expect(told.state).toBe('running');
    await daemon.cancel(job);
    await daemon.ended(job);
  });

  it('that does not fit is an out-of-memory error, as CUDA says it', async () => {
    const job = await holdMemory(100, { devices: '2' });
    const log = await daemon.logs(job, 'follow=true');
    expect(log).toContain('CUDA out of memory: out of memory (CUDA error 2)');
    expect(await daemon.ended(job)).toMatchObject({ state: 'failed', cause: { code: 'exit_code' } });
  });
});

describe('an XID', () => {
  it('79 takes the device out, and ends the job on it as device_lost, until somebody resumes it', async () => {
    const job = await daemon.shell('sleep 60', { devices: '1' });
    await daemon.until(job, 'running');
    change({ device: 1, xid: 79 });
    const ended = await daemon.ended(job);
    expect(ended).toMatchObject({ state: 'failed', cause: { code: 'device_lost' } });
    expect(ended.cause?.sentence).toContain('XID 79');
    const out = await device(1);
    expect(out).toMatchObject({ health: { state: 'lost' }, xids: [{ xid: 79, verdict: 'gone' }] });
    expect(out.obstacles).toMatchObject([{ code: 'lost', endsBy: 'resume' }]);
    const next = await daemon.shell('true', { devices: '1' });
    const waiting = await eventually(
      () => daemon.job(next),
      ({ reason }) => reason !== null,
    );
    expect(waiting.reason).toMatchObject({ code: 'draining' });
    expect(waiting.reason?.sentence).toContain('XID 79');
    const resumed = await daemon.request('/v1/devices/1/resume', { method: 'POST' });
    expect(((await resumed.json()) as Device).obstacles).toEqual([]);
    expect((await daemon.ended(next)).state).toBe('succeeded');
  });

  it('31 is the fault of the program: its owner is told, and the device goes on', async () => {
    const job = await daemon.shell('sleep 60', { devices: '1' });
    await daemon.until(job, 'running');
    change({ device: 1, xid: 31 });
    const told = await eventually(
      () => daemon.job(job),
      ({ notices }) => notices.length > 0,
    );
    expect(told).toMatchObject({ state: 'running', notices: [{ code: 'xid' }] });
    expect(told.notices[0]?.sentence).toContain('XID 31');
    expect((await device(1)).obstacles).toEqual([]);
    await daemon.cancel(job);
    await daemon.ended(job);
  });
});

describe('a driver that hangs for one device', () => {
  it('holds up neither the API nor the other devices, and the device comes back by itself', async () => {
    change({ device: 6, hangMilliseconds: 600_000 });
    await eventually(
      () => device(6),
      (each) => obstacleOf(each) === 'unresponsive',
    );
    const began = performance.now();
    const devices = await daemon.devices();
    // Whoever asked the driver would wait for 3 s.
    expect(performance.now() - began).toBeLessThan(2500);
    expect(devices[6]?.health.state).toBe('unresponsive');
    await eventually(
      () => device(7),
      ({ sample }) => (sample?.ageSeconds ?? 99) < 2,
    );
    change({ device: 6, hangMilliseconds: 0 });
    await eventually(
      () => device(6),
      ({ health, obstacles }) => health.state === 'ok' && obstacles.length === 0,
    );
  });
});

describe('a daemon that starts while a device hangs', () => {
  it('has the others at once, with their numbers, and that one when it answers again', async () => {
    await daemon.stop();
    change({ device: 2, hangMilliseconds: 600_000 });
    await daemon.start();
    expect((await daemon.devices()).map(({ index }) => index)).toEqual([0, 1, 3, 4, 5, 6, 7]);
    expect((await get<DeviceList>('/v1/devices')).driver.remarks).toEqual([
      "1 GPU(s) can't be asked for anything: they are lost or hang",
    ]);
    change({ device: 2, hangMilliseconds: 0 });
    await eventually(
      () => daemon.devices(),
      (devices) => devices.length === 8,
    );
    const job = await daemon.shell('echo "$CUDA_VISIBLE_DEVICES"', { devices: '2' });
    expect(await daemon.logs(job, 'follow=true')).toBe('2\n');
    expect((await daemon.ended(job)).state).toBe('succeeded');
  });
});

describe('a device that is lost', () => {
  it('is noticed, can not be resumed while it is, and is noticed when it is back', async () => {
    change({ device: 7, figuresResult: 15, handleResult: 15 });
    await eventually(
      () => device(7),
      ({ health, obstacles }) => health.state === 'lost' && obstacles[0]?.code === 'lost',
    );
    const refused = await daemon.request('/v1/devices/7/resume', { method: 'POST' });
    expect(refused.status).toBe(409);
    expect(((await refused.json()) as Problem).type).toBe('urn:berth:problem:device_conflict');
    change({ device: 7, figuresResult: 0, handleResult: 0 });
    const resumed = await eventually(
      () => daemon.request('/v1/devices/7/resume', { method: 'POST' }),
      ({ status }) => status === 200,
    );
    expect(((await resumed.json()) as Device).obstacles).toEqual([]);
    expect((await device(7)).memoryTotalBytes).toBeGreaterThan(79 * GIB);
  });
});

describe('a drain', () => {
  it('keeps jobs away with its reason, but not the one that runs there', async () => {
    const running = await daemon.shell('sleep 60', { devices: '5' });
    await daemon.until(running, 'running');
    const drained = await daemon.post('/v1/devices/5/drain', { reason: 'a fan rattles' });
    expect(((await drained.json()) as Device).obstacles[0]?.sentence).toMatch(
      /^drained by .*: a fan rattles$/,
    );
    const job = await daemon.shell('true', { devices: '5' });
    const waiting = await eventually(
      () => daemon.job(job),
      ({ reason }) => reason !== null,
    );
    expect(waiting.reason?.sentence).toContain('a fan rattles');
    expect((await daemon.job(running)).state).toBe('running');
    await daemon.cancel(running);
    await daemon.request('/v1/devices/5/resume', { method: 'POST' });
    expect((await daemon.ended(job)).state).toBe('succeeded');
  });

  it('outlives the daemon', async () => {
    await daemon.post('/v1/devices/5/drain', {});
    await daemon.stop();
    await daemon.start();
    expect(obstacleOf(await device(5))).toBe('drained');
    await daemon.request('/v1/devices/5/resume', { method: 'POST' });
  });
});

describe('a device on which job after job fails', () => {
  it('is taken out before it eats the queue, where another one gets on', async () => {
    const failing = (): Promise<Job> => daemon.shell('sleep 0.3; exit 1', { devices: '0' });
    await daemon.ended(await failing());
    const good = await daemon.shell('sleep 60', { devices: '1' });
    await daemon.until(good, 'running');
    const jobs: Job[] = [];
    for (let i = 0; i < 5; i += 1) jobs.push(await failing());
    const out = await eventually(
      () => device(0),
      (each) => obstacleOf(each) === 'quick_failures',
    );
    expect(out.obstacles[0]?.sentence).toContain('3 different jobs in a row failed within 10 s');
    const states = await Promise.all(jobs.map(async (job) => (await daemon.job(job)).state));
    expect(states.filter((state) => state === 'pending').length).toBeGreaterThanOrEqual(1);
    for (const job of [...jobs, good]) await daemon.cancel(job);
    await daemon.ended(good);
    await daemon.request('/v1/devices/0/resume', { method: 'POST' });
  });
});

describe('bad input', () => {
  it.each([
    ['GET', '/v1/devices/0/history?since=yesterday', 422, /since/],
    ['GET', '/v1/devices/0/history?step=0', 422, /at least 1 s/],
    ['GET', '/v1/devices/0/history?steps=3', 422, /steps/],
    ['GET', '/v1/devices/99/history', 404, /no device 99/],
    ['GET', '/v1/devices/GPU-none', 404, /no device GPU-none/],
    ['POST', '/v1/devices/99/drain', 404, /no device 99/],
    ['GET', '/v1/jobs/999999/metrics', 404, /no job 999999/],
  ])('%s %s is answered by name', async (method, path, status, says) => {
    const response = await daemon.request(path, { method });
    expect(response.status).toBe(status);
    expect(((await response.json()) as Problem).detail).toMatch(says);
  });

  it('a drain with another body is refused and changes nothing', async () => {
    const response = await daemon.post('/v1/devices/0/drain', { why: 'x' });
    expect(response.status).toBe(422);
    expect(((await response.json()) as Problem).detail).toContain("no field 'why'");
    expect((await device(0)).obstacles).toEqual([]);
  });
});

describe('a host of MIG instances', () => {
  let divided: TestDaemon;
  beforeAll(async () => {
    divided = await TestDaemon.start('1xA100-40GB:1g.5gb*7+1xA100-40GB');
  });
  afterAll(() => divided.destroy());

  it('has each instance as a device of its own, with its GPU, profile and memory', async () => {
    const devices = await divided.devices();
    expect(devices).toHaveLength(8);
    expect(devices[2]).toMatchObject({
      uuid: expect.stringMatching(/^MIG-/) as string,
      index: 0,
      mig: { index: 2, profile: '1g.5gb', parent: expect.stringMatching(/^GPU-/) as string },
      sample: { utilisation: null, powerWatts: null, temperatureCelsius: 34 },
    });
    expect(devices[2]?.memoryTotalBytes).toBeLessThan(5 * GIB);
    expect(devices[7]).toMatchObject({ index: 1, mig: null });
  });

  it('shows a job the one instance that it was given', async () => {
    const job = await holdMemory(1, { devices: '0:3' }, divided);
    const instance = await device('0:3', divided);
    await eventually(
      () => divided.logs(job),
      (log) => log.includes('one of 1 visible'),
    );
    expect(await divided.logs(job)).toContain('MIG 1g.5gb');
    await eventually(
      () => device('0:3', divided),
      ({ sample }) => (sample?.jobBytes ?? 0) >= GIB,
    );
    expect((await divided.job(job)).attempts[0]?.devices).toEqual([{ uuid: instance.uuid, index: 0 }]);
    expect((await device('0:4', divided)).sample?.processes).toEqual([]);
    await divided.cancel(job);
    await divided.ended(job);
  });

  it('refuses what CUDA would not show, by name', async () => {
    const refused = async (body: object): Promise<string> => {
      const response = await divided.post('/v1/jobs', { command: ['true'], workingDirectory: '/', ...body });
      expect(response.status).toBe(422);
      return ((await response.json()) as Problem).detail;
    };
    expect(await refused({ devices: '0' })).toContain('GPU 0 is divided into MIG instances');
    expect(await refused({ devices: '0:0,0:1' })).toContain('CUDA shows a process one instance alone');
    expect(await refused({ gpus: 2 })).toContain('only 1 of this host');
  });

  it('takes all instances of a GPU out when it falls off the bus', async () => {
    change({ device: 0, xid: 79 }, divided);
    await eventually(
      () => divided.devices(),
      (devices) => devices.slice(0, 7).every((each) => obstacleOf(each) === 'lost'),
    );
    expect((await device(1, divided)).obstacles).toEqual([]);
  });
});

describe('a daemon with a policy of its own', () => {
  it('ends a job that trespasses, and ignores foreign use, where it is told so; it manages what its mask leaves', async () => {
    const config = join(daemon.dataDirectory, 'strict.yaml');
    writeFileSync(config, 'trespass: kill\nforeignMemoryLimit: ignore\n');
    process.env.CUDA_VISIBLE_DEVICES = '2,1,0';
    const strict = await TestDaemon.start('4xT4', '--config', config).finally(() => {
      delete process.env.CUDA_VISIBLE_DEVICES;
    });
    try {
      expect((await strict.devices()).map(({ index }) => index)).toEqual([0, 1, 2]);
      change({ device: 0, process: { pid: 4_194_304, memoryBytes: 2 * GIB } }, strict);
      const script = `CUDA_VISIBLE_DEVICES=1 exec /usr/bin/python3 ${HOLD_MEMORY} 1 60`;
      const job = await strict.shell(script, { devices: '0' });
      const ended = await strict.ended(job);
      expect(ended).toMatchObject({
        state: 'failed',
        cause: { code: 'trespass' },
        notices: [{ code: 'trespass' }],
      });
      expect((await device(0, strict)).obstacles).toEqual([]);
    } finally {
      await strict.destroy();
    }
  });
});

describe('a host on which only CUDA is installed', () => {
  it('has names and sizes, says that there is no more to be known, and runs jobs', async () => {
    const libraries = mkdtempSync(join(tmpdir(), 'berth-only-cuda-'));
    copyFileSync(join(SIMULATED_LIBRARIES, 'libcuda.so.1'), join(libraries, 'libcuda.so.1'));
    const { environment } = createSimulation('2xT4', join(libraries, 'state'));
    const before = { ...process.env };
    Object.assign(process.env, environment, { LD_LIBRARY_PATH: libraries });
    const bare = await TestDaemon.start(null).finally(() => {
      process.env = before;
    });
    try {
      const { items, driver } = await get<DeviceList>('/v1/devices', bare);
      expect(driver).toMatchObject({ source: 'cuda', problem: { code: 'nvml_missing' } });
      expect(items).toMatchObject([
        { index: 0, name: 'Tesla T4', computeCapability: '7.5', sample: null, health: { state: 'unknown' } },
        { index: 1, memoryTotalBytes: 15 * GIB },
      ]);
      const job = await bare.shell('echo "$CUDA_VISIBLE_DEVICES"', { devices: '1' });
      expect(await bare.logs(job, 'follow=true')).toBe('1\n');
    } finally {
      await bare.destroy();
      rmSync(libraries, { recursive: true });
    }
  });
});
