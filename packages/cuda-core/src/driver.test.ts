import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { changeSimulation, createSimulation, openDriver } from './index.js';
import { openSimulated, SANITIZED, samplesOf } from './simulated-driver.test-support.js';

const { root, stateFile, simulation, driver } = await openSimulated('2xH100-80GB+1xT4');
const uuids = simulation.devices.map(({ uuid }) => uuid);
const sample = (index: number) => driver.sample(uuids[index] as string);

describe('enumeration', () => {
  it('tells identity, memory and place of each device, in PCI order', async () => {
    const { devices } = await driver.enumerate();
    expect(devices).toMatchObject(
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
      unreachable: 0,
    });
  });
});

describe('sampling', () => {
  it('sees what changes on a device', async () => {
    await driver.enumerate();
    const before = await sample(1);
    expect(before).toMatchObject({ utilisation: 0, memoryUsedBytes: 0, processes: [] });
    changeSimulation(stateFile, {
      device: 1,
      utilisationPercent: 97,
      temperatureCelsius: 61,
      powerMilliwatts: 512_500,
    });
    changeSimulation(stateFile, { device: 1, process: { pid: 4242, memoryBytes: 40 * 2 ** 30 } });
    const after = await sample(1);
    expect(after).toMatchObject({
      utilisation: 0.97,
      temperatureCelsius: 61,
      powerWatts: 512.5,
      memoryUsedBytes: 40 * 2 ** 30,
      processes: [{ pid: 4242, memoryBytes: 40 * 2 ** 30 }],
    });
    expect((before.memoryFreeBytes as number) - (after.memoryFreeBytes as number)).toBe(40 * 2 ** 30);
    changeSimulation(stateFile, { device: 1, process: { pid: 4242, memoryBytes: 0 } });
    expect((await sample(1)).processes).toEqual([]);
  });

  it('counts energy, PCIe and NVLink where the driver does, since it was loaded', async () => {
    const counted = {
      memoryTemperatureCelsius: 71,
      energyJoules: 4_000_000_000,
      pcieReplays: 12,
      nvlink: {
        transmittedBytes: 3_000_000 * 2 ** 20,
        receivedBytes: 2 ** 20,
        flitCrcErrors: 3,
        dataCrcErrors: 4,
        replays: 5,
        recoveries: 6,
      },
    };
    changeSimulation(stateFile, {
      device: 1,
      memoryTemperatureCelsius: 71,
      energyJoules: 4_000_000_000,
      pcieReplays: 12,
      nvlinkTransmittedMebibytes: 3_000_000,
      nvlinkReceivedMebibytes: 1,
      nvlinkFlitCrcErrors: 3,
      nvlinkDataCrcErrors: 4,
      nvlinkReplays: 5,
      nvlinkRecoveries: 6,
    });
    expect(await sample(1)).toMatchObject(counted);
    // A T4: no links, and no sensor in its memory, of which drivers say 0.
    expect(await sample(2)).toMatchObject({ memoryTemperatureCelsius: null, energyJoules: 0, nvlink: null });
  });

  it('finds more processes than it first had room for', async () => {
    for (let pid = 1; pid <= 50; pid += 1)
      changeSimulation(stateFile, { device: 0, process: { pid, memoryBytes: 1 } });
    expect((await sample(0)).processes).toHaveLength(50);
    for (let pid = 1; pid <= 50; pid += 1)
      changeSimulation(stateFile, { device: 0, process: { pid, memoryBytes: 0 } });
  });

  it('says when each device was asked', async () => {
    const before = Date.now();
    for (const { takenAt } of await samplesOf(driver)) {
      expect(takenAt).toBeGreaterThanOrEqual(before);
      expect(takenAt).toBeLessThanOrEqual(Date.now());
    }
  });

  it('dates a sample by when the device was asked, not by when JavaScript got to read it', async () => {
    const asked = Date.now();
    const sampled = sample(0);
    while (Date.now() < asked + 800);
    expect((await sampled).takenAt - asked).toBeLessThan(600);
  });

  it.skipIf(SANITIZED)('leaks nothing to speak of in 10,000 samples', async () => {
    // Without JavaScript's own heap: when its garbage is collected is nobody's leak.
    const native = (): number => {
      const { rss, heapTotal } = process.memoryUsage();
      return rss - heapTotal;
    };
    for (let i = 0; i < 1000; i += 1) await sample(0);
    const before = native();
    for (let i = 0; i < 10_000; i += 1) await sample(i % 3);
    expect(native() - before).toBeLessThan(32 * 2 ** 20);
  });
});

describe('what the driver does not say is null, never zero', () => {
  const unknown = {
    memoryUsedBytes: null,
    memoryFreeBytes: null,
    utilisation: null,
    temperatureCelsius: null,
    powerWatts: null,
    memoryTemperatureCelsius: null,
    energyJoules: null,
    pcieReplays: null,
    nvlink: null,
    processes: null,
  };

  it.each([
    ['are not supported', 3],
    ['are of a lost device', 15],
  ])('figures that %s', async (_, figuresResult) => {
    changeSimulation(stateFile, { device: 0, figuresResult });
    expect(await sample(0)).toMatchObject({ ...unknown, lost: figuresResult === 15 });
    expect((await sample(1)).temperatureCelsius).not.toBeNull();
    expect((await driver.enumerate()).devices[0]).toMatchObject({ index: 0, memoryTotalBytes: null });
    changeSimulation(stateFile, { device: 0, figuresResult: 0 });
  });

  it("a process's memory that is not available", async () => {
    changeSimulation(stateFile, { device: 0, process: { pid: 77, memoryBytes: null } });
    expect(await sample(0)).toMatchObject({
      memoryUsedBytes: 0,
      processes: [{ pid: 77, memoryBytes: null }],
    });
    changeSimulation(stateFile, { device: 0, process: { pid: 77, memoryBytes: 0 } });
  });

  it('figures for which an old driver has no function; others come from their first version', async () => {
    changeSimulation(stateFile, { device: 0, process: { pid: 5, memoryBytes: 1000 } });
    const libraryDirectory = join(simulation.libraryDirectory, '../simulated-old');
    const old = await openDriver({ libraryDirectory });
    const { driver: info, devices } = await old.enumerate();
    expect(info).toMatchObject({ cudaVersion: null, simulated: true });
    expect(devices[0]).toMatchObject({ computeCapability: null, pciAddress: '00000000:01:00.0' });
    const reserve = 600 * 2 ** 20;
    expect((await samplesOf(old))[0]).toMatchObject({
      utilisation: null,
      powerWatts: null,
      energyJoules: null,
      nvlink: null,
      temperatureCelsius: 34,
      memoryUsedBytes: reserve + 1000,
      processes: [{ pid: 5, memoryBytes: 1000 }],
    });
    await old.close();
    changeSimulation(stateFile, { device: 0, process: { pid: 5, memoryBytes: 0 } });
  });

  it('a device that fell off the bus is missing; the others are there', async () => {
    changeSimulation(stateFile, { device: 0, handleResult: 15 });
    const { devices, driver: info } = await driver.enumerate();
    expect(devices.map(({ uuid }) => uuid)).toEqual(uuids.slice(1));
    expect(info.unreachable).toBe(1);
    changeSimulation(stateFile, { device: 0, handleResult: 0 });
  });

  it('how many devices there are: then it is an error, and not none', async () => {
    changeSimulation(stateFile, { countResult: 999 });
    const broken = { code: 'driver_broken', message: expect.stringContaining('answered 999') as string };
    await expect(driver.enumerate()).rejects.toMatchObject(broken);
    changeSimulation(stateFile, { countResult: 0 });
    expect((await driver.enumerate()).devices).toHaveLength(3);
  });
});

describe('several drivers', () => {
  it('are one to NVML, which ends with the last of them', async () => {
    const other = await openDriver({ libraryDirectory: simulation.libraryDirectory });
    await other.close();
    await other.close();
    await expect(other.enumerate()).rejects.toThrow('the driver is closed');
    expect(await samplesOf(driver)).toHaveLength(3);
  });
});

it('devices come in PCI order, whatever order the driver has', async () => {
  const file = join(root, 'shuffled');
  const buses = [0xc1, 0x02, 0x41, 0x1b];
  const devices = buses.map((bus, i) => ({
    model: 'T4',
    uuid: `${`GPU-${i}`.padEnd(12, '0')}-0000-4000-8000-000000000000`,
    pciAddress: `00000000:${bus.toString(16).padStart(2, '0')}:00.0`,
  }));
  createSimulation(JSON.stringify(devices), file);
  const program = `import { openDriver } from ${JSON.stringify(new URL('../dist/index.js', import.meta.url).href)};
    const driver = await openDriver({ libraryDirectory: process.argv[1] });
    console.log(JSON.stringify((await driver.enumerate()).devices.map((d) => [d.index, d.uuid, d.pciAddress])));`;
  const argv = ['--input-type=module', '--eval', program, simulation.libraryDirectory];
  const env = { ...process.env, BERTH_SIMULATED_STATE: file };
  expect(JSON.parse(execFileSync(process.execPath, argv, { env, encoding: 'utf8' }))).toEqual([
    [0, expect.stringMatching(/^GPU-1/), '00000000:02:00.0'],
    [1, expect.stringMatching(/^GPU-3/), '00000000:1b:00.0'],
    [2, expect.stringMatching(/^GPU-2/), '00000000:41:00.0'],
    [3, expect.stringMatching(/^GPU-0/), '00000000:c1:00.0'],
  ]);
});
