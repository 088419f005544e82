import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { changeSimulation } from './change.js';
import { DriverProgram } from './driver-program.test-support.js';
import { createSimulation } from './simulation.js';

const root = mkdtempSync(join(tmpdir(), 'berth-memory-'));
afterAll(() => rmSync(root, { recursive: true }));

const MIB = 2 ** 20;
const GIB = 2 ** 30;
const CONTEXT = 400 * MIB;
const OUT_OF_MEMORY = 2;
const DESTROYED = 709;

/** GPUs 0 and 1: A100; 2: A100 in two instances. */
const stateFile = join(root, 'state');
const { devices } = createSimulation('2xA100-40GB+1xA100-40GB:3g.20gb*2', stateFile);
const watcher = new DriverProgram(stateFile);

/** What NVML tells of the processes of each GPU. */
const seen = async () =>
  (await watcher.ask('[[each[:2] for each in processes(gpu(i))] for i in range(3)]')) as [number, number][][];

/** A program that has called cuInit under this mask, with CUDA's order as NVML's. */
async function started(mask?: string): Promise<DriverProgram> {
  const environment = { CUDA_DEVICE_ORDER: 'PCI_BUS_ID', CUDA_VISIBLE_DEVICES: mask };
  const program = new DriverProgram(stateFile, environment);
  expect(await program.ask('cuda.cuInit(0)')).toBe(0);
  return program;
}

describe('what a process allocates', () => {
  it('is seen on the device that its mask names, and is gone after kill -9', async () => {
    const job = await started('1');
    expect(await job.ask('retain()')).toBe(0);
    expect(await seen()).toEqual([[], [[job.pid, CONTEXT]], []]);
    expect(await job.ask(`allocate(${8 * GIB})`)).toEqual([0, expect.any(Number)]);
    expect(await seen()).toEqual([[], [[job.pid, CONTEXT + 8 * GIB]], []]);
    await job.kill();
    expect(await seen()).toEqual([[], [], []]);
  });

  it('is gone though nobody has reaped the process yet', async () => {
    const parent = new DriverProgram(stateFile);
    const child = `(lambda pid: pid or (cuda.cuInit(0), retain(), time.sleep(60)))(__import__("os").fork())`;
    const pid = (await parent.ask(child)) as number;
    await expect.poll(async () => (await seen()).flat()).toEqual([[pid, CONTEXT]]);
    await parent.ask(`__import__("os").kill(${pid}, 9)`);
    await expect.poll(async () => (await seen()).flat()).toEqual([]);
    // A zombie still.
    expect(process.kill(pid, 0)).toBe(true);
    await parent.ask('__import__("os").wait()[1]');
  });

  it('is given back by freeing it, by resetting, and by the end of its context', async () => {
    const job = await started('0');
    const taken = async (): Promise<number> => (await seen())[0]?.[0]?.[1] ?? 0;
    await job.ask('retain()');
    await job.ask(`keep("first", allocate(${2 * GIB})[1]) and keep("second", allocate(${GIB})[1])`);
    expect(await taken()).toBe(CONTEXT + 3 * GIB);
    expect(await job.ask('cuda.cuMemFree_v2(c_uint64(kept["first"]))')).toBe(0);
    expect(await job.ask('cuda.cuMemFree_v2(c_uint64(kept["first"]))')).toBe(1);
    expect(await taken()).toBe(CONTEXT + GIB);
    expect(await job.ask('cuda.cuDevicePrimaryCtxReset_v2(0)')).toBe(0);
    expect(await taken()).toBe(0);
    expect(await job.ask('ask(cuda, "cuDevicePrimaryCtxGetState", 0, results=2)')).toEqual([0, 0, 0]);
    expect(await job.ask('allocate(1)')).toEqual([DESTROYED]);
    expect(await job.ask('retain() or allocate(1)[0]')).toBe(0);
    expect(await job.ask('[cuda.cuDevicePrimaryCtxRelease(0) for _ in range(3)]')).toEqual([0, 0, 201]);
    expect(await taken()).toBe(0);
  });

  it('is its own context by context', async () => {
    const job = await started('0');
    const create = `(lambda c: [cuda.cuCtxCreate_v2(byref(c), 0, 0), keep("context", c)])(c_void_p())`;
    expect(await job.ask(create)).toEqual([0, true]);
    await job.ask(`allocate(${GIB})`);
    expect(await job.ask('retain()')).toBe(0);
    await job.ask(`allocate(${3 * GIB})`);
    expect((await seen())[0]).toEqual([[job.pid, 2 * CONTEXT + 4 * GIB]]);
    expect(await job.ask('cuda.cuCtxDestroy_v2(kept["context"])')).toBe(0);
    expect(await job.ask('cuda.cuCtxDestroy_v2(kept["context"])')).toBe(DESTROYED);
    expect((await seen())[0]).toEqual([[job.pid, CONTEXT + 3 * GIB]]);
    await job.kill();
  });

  it('is what others lack', async () => {
    const [one, other] = [await started('0'), await started('0')];
    await one.ask('retain()');
    await other.ask('retain()');
    changeSimulation(stateFile, { device: 0, process: { pid: 4_100_000, memoryBytes: 9 * GIB } });
    expect(await one.ask(`allocate(${20 * GIB})[0]`)).toBe(0);
    const free = 40 * GIB - 600 * MIB - 2 * CONTEXT - 29 * GIB;
    expect(await other.ask('room()')).toEqual([0, free, 40 * GIB]);
    expect(await other.ask(`allocate(${free + 1})`)).toEqual([OUT_OF_MEMORY]);
    expect(await other.ask(`allocate(${2 ** 62})`)).toEqual([OUT_OF_MEMORY]);
    expect(await other.ask(`allocate(${free})[0]`)).toBe(0);
    expect(await one.ask('allocate(1)')).toEqual([OUT_OF_MEMORY]);
    await one.kill();
    expect(await other.ask(`allocate(${20 * GIB})[0]`)).toBe(0);
    await other.kill();
    // What somebody has made up is there until he takes it away.
    expect((await seen())[0]).toEqual([[4_100_000, 9 * GIB]]);
    changeSimulation(stateFile, { device: 0, process: { pid: 4_100_000, memoryBytes: 0 } });
  });

  it('is never more than there is, whoever asks at the same time', async () => {
    const jobs = await Promise.all([started('0'), started('0'), started('0'), started('0')]);
    await Promise.all(jobs.map((job) => job.ask('retain()')));
    const greedy = `sum(allocate(${16 * MIB})[0] == 0 for _ in range(1000))`;
    const got = (await Promise.all(jobs.map((job) => job.ask(greedy)))) as number[];
    const room = 40 * GIB - 600 * MIB - 4 * CONTEXT;
    expect(got.reduce((sum, each) => sum + each, 0)).toBeLessThanOrEqual(room / (16 * MIB));
    const taken = (await seen())[0] as [number, number][];
    expect(taken.reduce((sum, [, bytes]) => sum + bytes, 600 * MIB)).toBeLessThanOrEqual(40 * GIB);
    await Promise.all(jobs.map((job) => job.kill()));
  });
});

describe('MIG instances', () => {
  it.each([
    ['its UUID', () => devices[4]?.uuid],
    ["its UUID's beginning", () => devices[4]?.uuid.slice(0, 12)],
    ['its place, as before driver 470', () => `MIG-${devices[2]?.uuid}/2/0`],
    ['its UUID, with what is ignored behind it', () => `${devices[4]?.uuid},${devices[3]?.uuid}`],
  ])('are named by %s', async (_, mask) => {
    const job = await started(mask());
    expect(await job.ask('ask(cuda, "cuDeviceGetCount")')).toEqual([0, 1]);
    expect(await job.ask(`retain() or allocate(${GIB})[0]`)).toBe(0);
    expect(await watcher.ask('processes(instance(2, 1))')).toEqual([[job.pid, CONTEXT + GIB, 2]]);
    expect(await watcher.ask('processes(instance(2, 0))')).toEqual([]);
    // An instance has its own memory only.
    expect(await job.ask(`allocate(${20 * GIB})`)).toEqual([OUT_OF_MEMORY]);
    await job.kill();
  });

  it.each([
    [undefined, 'without a mask', 3],
    ['2', "by its GPU's index", 3],
    ['0,2', 'beside a whole GPU', 3],
    ['0,1', 'not at all where whole GPUs are named', 0],
  ])('mask %s: %s the first is enumerated', async (mask, _, place) => {
    const job = await started(mask);
    const uuid = `(lambda b: cuda.cuDeviceGetUuid_v2(b, 0) or b.raw.hex())(ctypes.create_string_buffer(16))`;
    expect(await job.ask(uuid)).toBe(devices[place]?.uuid.slice(4).replaceAll('-', ''));
    expect(await job.ask('ask(cuda, "cuDeviceGetCount")')).toEqual([0, place === 3 ? 1 : 2]);
  });
});

describe('a program', () => {
  it('finds every function by its name without a version', async () => {
    const job = await started('0');
    const found = (name: string) =>
      job.ask(
        `(lambda f: cuda.cuGetProcAddress_v2(b"${name}", byref(f), 12080, c_uint64(0), None) or bool(f))(c_void_p())`,
      );
    expect(await found('cuMemAlloc')).toBe(true);
    expect(await found('cuDevicePrimaryCtxReset')).toBe(true);
    expect(await found('cuDeviceGetCount')).toBe(true);
    expect(await found('cuLaunchKernel')).toBe(500);
  });

  it('learns what its device is like, and where it is', async () => {
    const job = await started('1');
    const value = (number: number) =>
      job.ask(`(lambda v: cuda.cuDeviceGetAttribute(byref(v), ${number}, 0) or v.value)(c_int())`);
    expect([await value(10), await value(16), await value(39), await value(75)]).toEqual([32, 108, 2048, 8]);
    const bus = `(lambda b: cuda.cuDeviceGetPCIBusId(b, 32, 0) or b.value.decode())(ctypes.create_string_buffer(32))`;
    expect(await job.ask(bus)).toBe('0000:04:00.0');
    const ordinal = `(lambda d: cuda.cuDeviceGetByPCIBusId(byref(d), b"0000:04:00.0") or d.value)(c_int(-1))`;
    expect(await job.ask(ordinal)).toBe(0);
  });

  it('that names a device which is not there any more sees none', async () => {
    changeSimulation(stateFile, { device: 1, present: false });
    const job = new DriverProgram(stateFile, { CUDA_VISIBLE_DEVICES: devices[1]?.uuid });
    expect(await job.ask('cuda.cuInit(0)')).toBe(100);
    changeSimulation(stateFile, { device: 1, present: true });
  });
});
