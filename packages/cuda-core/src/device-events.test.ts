import { describe, expect, it } from 'vitest';
import { changeSimulation, type DeviceEvent, DeviceUnresponsive, openDriver } from './index.js';
import { openSimulated, samplesOf } from './simulated-driver.test-support.js';

const { stateFile, simulation, driver } = await openSimulated('2xH100-80GB+1xA100-40GB:1g.5gb*2');
const { devices } = await driver.enumerate();
const uuids = devices.map(({ uuid }) => uuid) as [string, string, string, string, string];
const open = () => openDriver({ libraryDirectory: simulation.libraryDirectory, samplePatienceMs: 200 });

describe('events', () => {
  it('come by themselves, each once, to all who watch', async () => {
    const other = await open();
    await other.enumerate();
    const seen: DeviceEvent[][] = [[], []];
    driver.watch((event) => seen[0]?.push(event));
    other.watch((event) => seen[1]?.push(event));
    changeSimulation(stateFile, { device: 1, xid: 79 });
    changeSimulation(stateFile, { device: 0, xid: 31 });
    const expected = [
      { uuid: uuids[1], kind: 'xid', xid: 79 },
      { uuid: uuids[0], kind: 'xid', xid: 31 },
    ];
    await expect.poll(() => seen).toEqual([expected, expected]);
    await other.close();
    changeSimulation(stateFile, { device: '2:1', xid: 48 });
    await expect.poll(() => seen[0]?.at(-1)).toEqual({ uuid: uuids[2], kind: 'xid', xid: 48 });
    expect(seen[1]).toEqual(expected);
  });
});

describe('a device that hangs', () => {
  it('is given up in time, holds up no other, and answers when it is itself again', async () => {
    const impatient = await open();
    await impatient.enumerate();
    changeSimulation(stateFile, { device: 0, hangMilliseconds: 60_000 });
    const failure = await impatient.sample(uuids[0]).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(DeviceUnresponsive);
    expect((failure as Error).message).toContain('has not answered for 0.2 s');
    expect((await impatient.sample(uuids[1])).temperatureCelsius).toBe(34);
    changeSimulation(stateFile, { device: 0, hangMilliseconds: 0 });
    await (failure as DeviceUnresponsive).answered;
    expect((await impatient.sample(uuids[0])).temperatureCelsius).toBe(34);
    await impatient.close();
  });
});

describe('a GPU that is lost or hangs while the devices are counted', () => {
  it.each([
    ['is lost', { handleResult: 15 }],
    ['hangs', { hangMilliseconds: 60_000 }],
  ])('%s: it is missing alone, and the others keep their numbers', async (_, change) => {
    const impatient = await open();
    changeSimulation(stateFile, { device: 0, ...change });
    const { devices: rest, driver: info } = await impatient.enumerate();
    expect(rest.map(({ uuid, index }) => [uuid, index])).toEqual([
      [uuids[1], 1],
      [uuids[2], 2],
      [uuids[3], 2],
      [uuids[4], 2],
    ]);
    expect(info.unreachable).toBe(1);
    changeSimulation(stateFile, { device: 0, handleResult: 0, hangMilliseconds: 0 });
    await impatient.close();
  });
});

describe('a device that is not there any more', () => {
  it('says that it is lost, is not counted, and is found again by a driver that is opened anew', async () => {
    changeSimulation(stateFile, { device: 0, present: false });
    expect((await driver.sample(uuids[0])).lost).toBe(true);
    const other = await open();
    expect((await other.enumerate()).devices.map(({ uuid, index }) => [uuid, index])[0]).toEqual([
      uuids[1],
      0,
    ]);
    await other.close();
    changeSimulation(stateFile, { device: 0, present: true });
    expect((await driver.enumerate()).devices).toHaveLength(5);
    expect((await driver.sample(uuids[0])).lost).toBe(false);
  });

  it('was never told of: that is an error, and not a sample of nothing', async () => {
    await expect(driver.sample('GPU-none')).rejects.toThrow('GPU-none was never told of');
  });
});

describe('facts', () => {
  it('tell what NVML means by its numbers', () => {
    expect(devices[0]).toMatchObject({
      architecture: 'Hopper',
      computeMode: 'default',
      migEnabled: false,
      mig: null,
      eccEnabled: true,
      persistenceMode: true,
      minorNumber: 0,
      numaNode: 0,
      powerLimitWatts: 700,
      powerLimitRangeWatts: { least: 200, most: 700 },
      slowdownCelsius: 87,
      maxClocks: { graphicsMegahertz: 1980, smMegahertz: 1980, memoryMegahertz: 2619 },
    });
    expect(devices[0]?.cpuAffinity).toMatch(/^0(-\d+)?$/);
  });

  it('tell how GPUs reach each other, by NVLink and by PCIe', () => {
    expect(devices[0]?.links).toEqual([
      { device: uuids[1], nvlinks: 18, path: 'singleSwitch' },
      { device: uuids[2], nvlinks: 0, path: 'system' },
    ]);
  });

  it('tell of MIG instances what is theirs, and what is of their GPU', async () => {
    expect(devices[2]).toMatchObject({ migEnabled: true, index: 2 });
    expect(devices[4]).toMatchObject({
      index: 2,
      migEnabled: null,
      mig: { parent: uuids[2], index: 1, profile: '1g.5gb', gpuInstance: 8, computeInstance: 0 },
      links: [],
      pciAddress: devices[2]?.pciAddress,
    });
    const sample = await driver.sample(uuids[4]);
    expect(sample).toMatchObject({ utilisation: null, powerWatts: null, temperatureCelsius: 34 });
    expect(sample).toMatchObject({ memoryTemperatureCelsius: 40, energyJoules: null, pcieReplays: null });
    expect(sample.clocks.smMegahertz).toBeGreaterThan(0);
  });
});

describe('samples', () => {
  it('tell of errors, remapped rows, throttling and clocks', async () => {
    changeSimulation(stateFile, {
      device: 1,
      eccCorrected: 5,
      eccUncorrected: 1,
      rowsUncorrectable: 2,
      rowsPending: 1,
      throttleReasons: 0x4 | 0x40,
      smMegahertz: 900,
    });
    expect(await driver.sample(uuids[1])).toMatchObject({
      ecc: { corrected: 5, uncorrected: 1 },
      remappedRows: { correctable: 0, uncorrectable: 2, pending: true, failed: false },
      throttled: ['power limit', 'too hot (hardware)'],
      clocks: { smMegahertz: 900 },
    });
  });

  it("tell a MIG instance's processes apart from its neighbour's; the GPU's are all of them", async () => {
    changeSimulation(stateFile, { device: '2:0', process: { pid: 71, memoryBytes: 1000 } });
    changeSimulation(stateFile, { device: '2:1', process: { pid: 72, memoryBytes: 2000 } });
    const pids = (await samplesOf(driver)).slice(2).map(({ processes }) => processes?.map(({ pid }) => pid));
    expect(pids).toEqual([[71, 72], [71], [72]]);
  });
});
