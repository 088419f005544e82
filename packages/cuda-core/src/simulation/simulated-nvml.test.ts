import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { SIMULATED_LIBRARIES } from '../native.js';
import { changeSimulation } from './change.js';
import { DriverProgram } from './driver-program.test-support.js';
import { createSimulation } from './simulation.js';

const root = mkdtempSync(join(tmpdir(), 'berth-nvml-'));
afterAll(() => rmSync(root, { recursive: true }));

const GIB = 2 ** 30;
const NOT_SUPPORTED = 3;
const NOT_FOUND = 6;
const TIMEOUT = 10;
const LOST = 15;

/** GPUs 0 and 1: H100; 2: A100 in two instances; 3: RTX 4090; 4 and 5: A100. */
const stateFile = join(root, 'state');
const { devices } = createSimulation(
  '2xH100-80GB+1xA100-40GB:3g.20gb/1g.5gb+1xRTX4090+2xA100-40GB',
  stateFile,
);
const uuids = devices.map(({ uuid }) => uuid) as [string, string, string, string, string, ...string[]];
const program = new DriverProgram(stateFile);

describe('a GPU tells', () => {
  it.each<[string, unknown[]]>([
    ['of("PowerUsage", gpu(0))', [0, 70_000]],
    ['of("EnforcedPowerLimit", gpu(0))', [0, 700_000]],
    ['of("PowerManagementLimitConstraints", gpu(0), results=2)', [0, 200_000, 700_000]],
    ['of("Temperature", gpu(0), 0)', [0, 34]],
    ['of("TemperatureThreshold", gpu(0), 1)', [0, 87]],
    ['of("MaxClockInfo", gpu(0), 2)', [0, 2619]],
    ['of("ClockInfo", gpu(0), 1)', [0, 1188]],
    ['of("CurrentClocksThrottleReasons", gpu(0), type=c_uint64)', [0, 0]],
    ['of("Architecture", gpu(0))', [0, 9]],
    ['of("MinorNumber", gpu(4))', [0, 4]],
    ['of("NumaNodeId", gpu(4))', [0, 1]],
    ['of("EccMode", gpu(0), results=2)', [0, 1, 1]],
    ['of("RemappedRows", gpu(0), results=4)', [0, 0, 0, 0, 0]],
    ['of("MigMode", gpu(0), results=2)', [0, 0, 0]],
    ['of("MigMode", gpu(2), results=2)', [0, 1, 1]],
    ['of("MaxMigDeviceCount", gpu(0))', [0, 0]],
    ['of("MaxMigDeviceCount", gpu(2))', [0, 7]],
    ['of("NvLinkState", gpu(0), 17)', [0, 1]],
    ['of("NvLinkState", gpu(4), 11)', [0, 1]],
    ['of("NvLinkRemoteDeviceType", gpu(0), 0)', [0, 2]],
    ['of("SupportedEventTypes", gpu(0), type=c_uint64)', [0, 0xa]],
    ['of("SupportedEventTypes", gpu(3), type=c_uint64)', [0, 0x8]],
  ])('%s', async (expression, expected) => {
    expect(await program.ask(expression)).toEqual(expected);
  });
});

describe('what a device lacks is not supported', () => {
  it.each([
    'of("EccMode", gpu(3), results=2)',
    'of("TotalEccErrors", gpu(3), 0, 0, type=c_uint64)',
    'of("RemappedRows", gpu(3), results=4)',
    'of("MigMode", gpu(3), results=2)',
    'of("MigDeviceHandleByIndex", gpu(0), 0, type=c_void_p)',
    'of("NvLinkState", gpu(3), 0)',
    // A board of its own: there is nobody that links could lead to.
    'of("NvLinkState", gpu(2), 0)',
    'of("NvLinkState", gpu(4), 12)',
    'of("UtilizationRates", gpu(2), results=2)',
    ...[
      'UtilizationRates", instance(2, 0), results=2',
      'Temperature", instance(2, 0), 0',
      'PowerUsage", instance(2, 0)',
      'ClockInfo", instance(2, 0), 0',
      'EccMode", instance(2, 0), results=2',
    ].map((rest) => `of("${rest})`),
  ])('%s', async (expression) => {
    expect(await program.ask(expression)).toEqual([NOT_SUPPORTED]);
  });
});

describe('GPUs', () => {
  it.each([
    [0, 1, 'the two H100', 10, true],
    [0, 2, 'H100 and A100', 40, false],
    [0, 4, 'over the sockets', 50, false],
    [4, 5, 'the two A100', 10, true],
  ])('%i and %i (%s) have the level %i between them; NVLink: %s', async (one, other, _, level, linked) => {
    expect(await program.ask(`of("TopologyCommonAncestor", gpu(${one}), gpu(${other}))`)).toEqual([0, level]);
    const status = await program.ask(`of("P2PStatus", gpu(${one}), gpu(${other}), 2)`);
    expect(status).toEqual([0, linked ? 0 : 5]);
  });

  it('are near to CPUs, each to those of its socket', async () => {
    const near = (index: number) =>
      program.ask(
        `(lambda words: nvml.nvmlDeviceGetCpuAffinity(gpu(${index}), 64, words) or sum(1 << (64 * i + b)
        for i in range(64) for b in range(64) if words[i] >> b & 1))((c_uint64 * 64)())`.replace('\n', ' '),
      );
    const [first, last] = [Number(await near(0)), Number(await near(5))];
    expect(first).toBeGreaterThan(0);
    expect(last).toBeGreaterThan(first);
  });
});

describe('a MIG instance', () => {
  it('has a name, a UUID and a place of its own', async () => {
    expect(await program.ask('text("Name", instance(2, 1))')).toBe('NVIDIA A100-SXM4-40GB MIG 1g.5gb');
    expect(await program.ask('text("UUID", instance(2, 1))')).toBe(uuids[4]);
    expect(uuids[4]).toMatch(/^MIG-[0-9a-f]{8}-/);
    expect(await program.ask('of("GpuInstanceId", instance(2, 1))')).toEqual([0, 7]);
    expect(await program.ask('of("ComputeInstanceId", instance(2, 1))')).toEqual([0, 0]);
    expect(await program.ask('ask(nvml, "nvmlDeviceIsMigDeviceHandle", instance(2, 0))')).toEqual([0, 1]);
    const parent =
      'text("UUID", c_void_p(of("DeviceHandleFromMigDeviceHandle", instance(2, 0), type=c_void_p)[1]))';
    expect(await program.ask(parent)).toBe(uuids[2]);
    expect(await program.ask('of("MigDeviceHandleByIndex", gpu(2), 2, type=c_void_p)')).toEqual([NOT_FOUND]);
    const attributes =
      '(lambda a: nvml.nvmlDeviceGetAttributes_v2(instance(2, 0), a) or list(a)[:8])((c_uint * 10)())';
    expect(await program.ask(attributes)).toEqual([42, 0, 0, 0, 0, 0, 3, 3]);
  });

  it('is not counted as a GPU', async () => {
    expect(await program.ask('of("Count_v2")')).toEqual([0, 6]);
  });

  it("has its processes; its GPU has all of them, and all of the instances' memory", async () => {
    const idle = (await program.ask('memory(gpu(2))')) as { used: number };
    changeSimulation(stateFile, { device: '2:0', process: { pid: 4_000_001, memoryBytes: 3 * GIB } });
    changeSimulation(stateFile, { device: '2:1', process: { pid: 4_000_002, memoryBytes: GIB } });
    expect(await program.ask('processes(instance(2, 0))')).toEqual([[4_000_001, 3 * GIB, 1]]);
    expect(await program.ask('processes(instance(2, 1))')).toEqual([[4_000_002, GIB, 7]]);
    expect(await program.ask('processes(gpu(2))')).toEqual([
      [4_000_001, 3 * GIB, 1],
      [4_000_002, GIB, 7],
    ]);
    expect(await program.ask('processes(gpu(2), room=1)')).toEqual([7, 2]);
    expect(((await program.ask('memory(gpu(2))')) as { used: number }).used - idle.used).toBe(4 * GIB);
  });

  it('may be gone while its GPU is there', async () => {
    changeSimulation(stateFile, { device: '2:1', present: false });
    expect(await program.ask('of("MigDeviceHandleByIndex", gpu(2), 1, type=c_void_p)')).toEqual([NOT_FOUND]);
    expect(await program.ask('text("Name", instance(2, 0))')).toContain('3g.20gb');
    changeSimulation(stateFile, { device: '2:1', present: true });
  });
});

describe('events', () => {
  it('come to those who registered for the device, each once, from the making of the set on', async () => {
    changeSimulation(stateFile, { device: 0, xid: 13 });
    await program.ask('keep("set", event_set(gpu(0), gpu(1)))');
    expect(await program.ask('event(kept["set"], 0)')).toBe(TIMEOUT);
    changeSimulation(stateFile, { device: 4, xid: 43 });
    changeSimulation(stateFile, { device: 1, xid: 79 });
    changeSimulation(stateFile, { device: 0, xid: 31 });
    expect(await program.ask('event(kept["set"], 1000)')).toEqual([uuids[1], 8, 79]);
    expect(await program.ask('event(kept["set"], 1000)')).toEqual([uuids[0], 8, 31]);
    expect(await program.ask('event(kept["set"], 50)')).toBe(TIMEOUT);
  });

  it('wake who waits', async () => {
    await program.ask('start("event", lambda: event(kept["set"], 20000))');
    changeSimulation(stateFile, { device: 0, xid: 48 });
    expect(await program.ask('ended("event")')).toEqual([uuids[0], 8, 48]);
  });

  it('are lost where nobody has looked for long, and the newest are kept', async () => {
    for (let xid = 1; xid <= 100; xid += 1) changeSimulation(stateFile, { device: 0, xid });
    const left = (await program.ask('[event(kept["set"], 0) for _ in range(65)]')) as (number | number[])[];
    expect(left.filter(Array.isArray).map(([, , xid]) => xid)).toEqual(
      Array.from({ length: 64 }, (_, i) => 37 + i),
    );
    expect(left.at(-1)).toBe(TIMEOUT);
    expect(await program.ask('nvml.nvmlEventSetFree(kept["set"])')).toBe(0);
  });
});

describe('a device that hangs', () => {
  it('holds up who asks it, and nobody else, until it is released', async () => {
    changeSimulation(stateFile, { device: 0, hangMilliseconds: 60_000 });
    await program.ask('start("hanging", lambda: of("PowerUsage", gpu(0)))');
    expect(await program.ask('ended("hanging", 0.2)')).toBeNull();
    expect(await program.ask('of("PowerUsage", gpu(1))')).toEqual([0, 70_000]);
    changeSimulation(stateFile, { device: 0, hangMilliseconds: 0 });
    expect(await program.ask('ended("hanging")')).toEqual([0, 70_000]);
  });

  it('may be lost meanwhile', async () => {
    changeSimulation(stateFile, { device: 0, hangMilliseconds: 60_000 });
    await program.ask('start("lost", lambda: of("PowerUsage", gpu(0)))');
    expect(await program.ask('ended("lost", 0.2)')).toBeNull();
    changeSimulation(stateFile, { device: 0, handleResult: LOST, hangMilliseconds: 0 });
    expect(await program.ask('ended("lost")')).toEqual([LOST]);
    changeSimulation(stateFile, { device: 0, handleResult: 0 });
  });

  it('does not bring down who shuts NVML down while another asks', async () => {
    const other = new DriverProgram(stateFile);
    changeSimulation(stateFile, { device: 0, hangMilliseconds: 60_000 });
    await other.ask('start("hanging", lambda: of("PowerUsage", gpu(0)))');
    await other.ask('keep("set", event_set(gpu(1)))');
    await other.ask('start("waiting", lambda: nvml.nvmlEventSetWait_v2(kept["set"], byref(Event()), 20000))');
    expect(await other.ask('ended("hanging", 0.2)')).toBeNull();
    expect(await other.ask('nvml.nvmlShutdown()')).toBe(0);
    // Uninitialised.
    expect(await other.ask('ended("waiting")')).toBe(1);
    expect(await other.ask('ended("hanging", 0.2)')).toBeNull();
    expect(await other.ask('nvml.nvmlInit_v2()')).toBe(0);
    expect(await other.ask('of("Count_v2")')).toEqual([0, 6]);
    changeSimulation(stateFile, { device: 0, hangMilliseconds: 0 });
    expect(await other.ask('ended("hanging")')).toEqual([0, 70_000]);
  });
});

describe('a device that is lost', () => {
  it('says so to every question, also through handles that were given out before, and with its instances', async () => {
    await program.ask('keep("gpu", gpu(2)) and keep("instance", instance(2, 0))');
    changeSimulation(stateFile, { device: 2, handleResult: LOST });
    for (const handle of ['kept["gpu"]', 'kept["instance"]']) {
      expect(await program.ask(`text("UUID", ${handle})`)).toBe(LOST);
      expect(await program.ask(`memory(${handle})`)).toBe(LOST);
      expect(await program.ask(`of("ComputeMode", ${handle})`)).toEqual([LOST]);
      expect(await program.ask(`of("SupportedEventTypes", ${handle}, type=c_uint64)`)).toEqual([LOST]);
    }
    expect(await program.ask('of("Count_v2")')).toEqual([0, 6]);
    expect(await program.ask('of("HandleByIndex_v2", 2, type=c_void_p)')).toEqual([LOST]);
    expect(await program.ask('of("PowerUsage", gpu(0))')).toEqual([0, 70_000]);
    changeSimulation(stateFile, { device: 2, handleResult: 0 });
    expect(await program.ask('text("UUID", kept["gpu"])')).toBe(uuids[2]);
  });

  it('may be an instance alone', async () => {
    await program.ask('keep("instance", instance(2, 0))');
    changeSimulation(stateFile, { device: '2:0', handleResult: LOST });
    expect(await program.ask('text("UUID", kept["instance"])')).toBe(LOST);
    expect(await program.ask('text("UUID", gpu(2))')).toBe(uuids[2]);
    changeSimulation(stateFile, { device: '2:0', handleResult: 0 });
  });
});

describe('a device that is not there any more', () => {
  it('is not counted, and the others move up; it comes back to its place', async () => {
    await program.ask('keep("gpu", gpu(0))');
    changeSimulation(stateFile, { device: 0, present: false });
    expect(await program.ask('of("Count_v2")')).toEqual([0, 5]);
    expect(await program.ask('text("UUID", gpu(0))')).toBe(uuids[1]);
    expect(await program.ask('text("UUID", kept["gpu"])')).toBe(LOST);
    expect(await program.ask(`of("HandleByUUID", b"${uuids[0]}", type=c_void_p)`)).toEqual([NOT_FOUND]);
    changeSimulation(stateFile, { device: 0, present: true });
    expect(await program.ask('text("UUID", gpu(0))')).toBe(uuids[0]);
    expect(await program.ask(`text("UUID", by_uuid("${uuids[0]}"))`)).toBe(uuids[0]);
  });
});

describe('the figures of errors', () => {
  it('are counted apart', async () => {
    changeSimulation(stateFile, {
      device: 1,
      eccCorrected: 7,
      eccUncorrected: 2,
      rowsCorrectable: 3,
      rowsPending: 1,
      throttleReasons: 0x40,
      computeMode: 2,
    });
    expect(await program.ask('of("TotalEccErrors", gpu(1), 0, 0, type=c_uint64)')).toEqual([0, 7]);
    expect(await program.ask('of("TotalEccErrors", gpu(1), 1, 0, type=c_uint64)')).toEqual([0, 2]);
    expect(await program.ask('of("RemappedRows", gpu(1), results=4)')).toEqual([0, 3, 0, 1, 0]);
    expect(await program.ask('of("CurrentClocksEventReasons", gpu(1), type=c_uint64)')).toEqual([0, 0x40]);
    expect(await program.ask('of("ComputeMode", gpu(1))')).toEqual([0, 2]);
  });
});

describe('fields', () => {
  const ALL_LINKS = 2 ** 32 - 1;

  it('are answered each for itself: energy, PCIe, memory temperature and what NVLink carried', async () => {
    changeSimulation(stateFile, {
      device: 0,
      energyJoules: 5_000_000,
      pcieReplays: 3,
      nvlinkTransmittedMebibytes: 7000,
      nvlinkReplays: 2,
    });
    const wanted = `(82, 0), (83, 0), (94, 0), (138, ${ALL_LINKS}), (138, 0), (52, 0), (1000, 0)`;
    expect(await program.ask(`fields(gpu(0), ${wanted})`)).toEqual([
      [0, 40],
      [0, 5_000_000_000],
      [0, 3],
      [0, 7000 * 1024],
      [NOT_SUPPORTED],
      [0, 2],
      [NOT_SUPPORTED],
    ]);
    expect(await program.ask(`fields(gpu(3), ${wanted})`)).toEqual([
      [0, 0],
      [0, 0],
      [0, 0],
      ...Array.from({ length: 4 }, () => [NOT_SUPPORTED]),
    ]);
  });

  it('are those of whole GPUs', async () => {
    expect(await program.ask('fields(instance(2, 0), (83, 0))')).toBe(NOT_SUPPORTED);
  });
});

describe('many threads', () => {
  it('may ask at the same time, while others begin and end', async () => {
    const busy = new DriverProgram(stateFile);
    // Then the last of them to shut down ends it, and the next one begins anew.
    await busy.ask('nvml.nvmlShutdown()');
    const work =
      'lambda: [(nvml.nvmlInit_v2(), text("UUID", gpu(1)), memory(gpu(1)), nvml.nvmlShutdown()) for _ in range(2000)] and "done"';
    for (const name of ['a', 'b', 'c', 'd']) await busy.ask(`start("${name}", ${work})`);
    for (const name of ['a', 'b', 'c', 'd']) expect(await busy.ask(`ended("${name}", 30)`)).toBe('done');
    expect(await busy.ask('text("UUID", gpu(1)) if nvml.nvmlInit_v2() == 0 else None')).toBe(uuids[1]);
  });
});

describe('an old driver', () => {
  it('has the old names only', async () => {
    const old = new DriverProgram(stateFile, {}, `${SIMULATED_LIBRARIES}-old:${SIMULATED_LIBRARIES}`);
    const has = (name: string) => old.ask(`hasattr(nvml, "nvmlDeviceGet${name}")`);
    for (const name of ['Temperature', 'MemoryInfo', 'ComputeRunningProcesses', 'PciInfo_v2'])
      expect([name, await has(name)]).toEqual([name, true]);
    for (const name of [
      'TemperatureV',
      'MemoryInfo_v2',
      'ComputeRunningProcesses_v3',
      'PciInfo_v3',
      'MigMode',
    ])
      expect([name, await has(name)]).toEqual([name, false]);
    expect(
      await old.ask('(lambda pci: nvml.nvmlDeviceGetPciInfo_v2(gpu(1), byref(pci)) or pci.bus)(Pci())'),
    ).toBe(4);
    expect(await old.ask('of("Temperature", gpu(1), 0)')).toEqual([0, 34]);
  });
});
