import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { changeSimulation, createSimulation, type Driver, openDriver, type Simulation } from './index.js';

const root = mkdtempSync(join(tmpdir(), 'berth-driver-'));
const stateFile = join(root, 'state');
let simulation: Simulation;
let driver: Driver;

beforeAll(async () => {
  simulation = createSimulation('2xH100-80GB+1xT4', stateFile);
  Object.assign(process.env, simulation.environment);
  driver = await openDriver({ libraryDirectory: simulation.libraryDirectory });
});
afterAll(async () => {
  await driver.close();
  rmSync(root, { recursive: true });
});

describe('enumeration', () => {
  it('tells identity, memory and place of each device, in PCI order', async () => {
    const { devices } = await driver.enumerate();
    expect(devices).toEqual(
      simulation.devices.map(({ uuid, name, memoryBytes, computeCapability, pciAddress }, index) => ({
        uuid,
        index,
        name,
        memoryTotalBytes: memoryBytes,
        computeCapability,
        pciAddress,
      })),
    );
  });

  it('tells versions, and that this driver is simulated', async () => {
    expect((await driver.enumerate()).driver).toEqual({
      driverVersion: '570.86.15',
      cudaVersion: '12.8',
      nvmlVersion: '12.570.86.15',
      simulated: true,
    });
  });
});

describe('sampling', () => {
  it('sees what changes on a device', async () => {
    const before = (await driver.sample())[1];
    expect(before).toMatchObject({ utilisation: 0, memoryUsedBytes: 0, processes: [] });
    changeSimulation(stateFile, {
      device: 1,
      utilisationPercent: 97,
      temperatureCelsius: 61,
      powerMilliwatts: 512_500,
    });
    changeSimulation(stateFile, { device: 1, process: { pid: 4242, memoryBytes: 40 * 2 ** 30 } });
    const after = (await driver.sample())[1];
    expect(after).toMatchObject({
      utilisation: 0.97,
      temperatureCelsius: 61,
      powerWatts: 512.5,
      memoryUsedBytes: 40 * 2 ** 30,
      processes: [{ pid: 4242, memoryBytes: 40 * 2 ** 30 }],
    });
    expect((before?.memoryFreeBytes as number) - (after?.memoryFreeBytes as number)).toBe(40 * 2 ** 30);
    changeSimulation(stateFile, { device: 1, process: { pid: 4242, memoryBytes: 0 } });
    expect((await driver.sample())[1]?.processes).toEqual([]);
  });

  it('finds more processes than it first had room for', async () => {
    for (let pid = 1; pid <= 50; pid += 1)
      changeSimulation(stateFile, { device: 0, process: { pid, memoryBytes: 1 } });
    expect((await driver.sample())[0]?.processes).toHaveLength(50);
    for (let pid = 1; pid <= 50; pid += 1)
      changeSimulation(stateFile, { device: 0, process: { pid, memoryBytes: 0 } });
  });

  it('leaks nothing to speak of in 10,000 samples', async () => {
    for (let i = 0; i < 1000; i += 1) await driver.sample();
    const before = process.memoryUsage().rss;
    for (let i = 0; i < 10_000; i += 1) await driver.sample();
    expect(process.memoryUsage().rss - before).toBeLessThan(32 * 2 ** 20);
  });
});

describe('without a driver that works, it says which of three things is wrong', () => {
  it('none is there', async () => {
    await expect(openDriver({ libraryDirectory: join(root, 'nowhere') })).rejects.toMatchObject({
      code: 'driver_not_found',
      message: expect.stringContaining('libnvidia-ml.so.1 was not found') as string,
      hint: expect.stringContaining('--simulate') as string,
    });
  });

  it.each([
    ['is no library', (file: string) => writeFileSync(file, 'this is no library')],
    ['is empty', (file: string) => writeFileSync(file, '')],
    ['is another library', (file: string) => copyFileSync('/lib/x86_64-linux-gnu/libm.so.6', file)],
  ])('one is there that %s', async (name, make) => {
    const directory = join(root, name);
    mkdirSync(directory);
    make(join(directory, 'libnvidia-ml.so.1'));
    await expect(openDriver({ libraryDirectory: directory })).rejects.toMatchObject({
      code: 'driver_broken',
    });
  });

  it('library and kernel module are of different versions', async () => {
    changeSimulation(stateFile, { initResult: 18 });
    await expect(openDriver({ libraryDirectory: simulation.libraryDirectory })).rejects.toMatchObject({
      code: 'driver_version_mismatch',
      hint: expect.stringContaining('Reboot') as string,
    });
    changeSimulation(stateFile, { initResult: 0 });
  });

  it.each([
    ['empty', ''],
    ['too short', 'BERTH-SIMULATED'],
    ['of nonsense', 'x'.repeat(100_000)],
  ])('the simulation has a state file that is %s', (name, content) => {
    const file = join(root, name);
    writeFileSync(file, content);
    // The libraries map their state once per process, so a bad one needs a process of its own.
    const program = `import { openDriver } from ${JSON.stringify(new URL('../dist/index.js', import.meta.url).href)};
      openDriver({ libraryDirectory: process.argv[1] }).catch((error) => console.log(error.code));`;
    const argv = ['--input-type=module', '--eval', program, simulation.libraryDirectory];
    const env = { ...process.env, BERTH_SIMULATED_STATE: file };
    expect(execFileSync(process.execPath, argv, { env, encoding: 'utf8' }).trim()).toBe('driver_broken');
  });
});

describe('the simulated CUDA driver', () => {
  const program = `
import ctypes
cuda = ctypes.CDLL("libcuda.so.1")
result = cuda.cuInit(0)
count = ctypes.c_int(0)
cuda.cuDeviceGetCount(ctypes.byref(count))
names = []
for i in range(count.value):
    name = ctypes.create_string_buffer(96)
    cuda.cuDeviceGetName(name, 96, i)
    names.append(name.value.decode())
print(result, names)`;

  it.each([
    [undefined, "0 ['NVIDIA H100 80GB HBM3', 'NVIDIA H100 80GB HBM3', 'Tesla T4']"],
    ['2,0', "0 ['Tesla T4', 'NVIDIA H100 80GB HBM3']"],
    ['2,7,0', "0 ['Tesla T4']"],
    ['', '100 []'],
    ['1,1', '100 []'],
  ])('shows a program what the mask %j leaves visible', (mask, printed) => {
    const env: NodeJS.ProcessEnv = { ...process.env, LD_LIBRARY_PATH: simulation.libraryDirectory };
    delete env.CUDA_VISIBLE_DEVICES;
    if (mask !== undefined) env.CUDA_VISIBLE_DEVICES = mask;
    expect(execFileSync('/usr/bin/python3', ['-c', program], { env, encoding: 'utf8' }).trim()).toBe(printed);
  });
});
