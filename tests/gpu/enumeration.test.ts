import { type DeviceFacts, type DeviceSample, type Driver, openDriver } from '@berth/cuda-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hasSmi, type SmiDevice, smiDevices, smiMigInstances } from './nvidia-smi.js';
import { mebibytes, report, tableOf } from './report.js';

const MIB = 2 ** 20;
/** What may lie between two looks at a device, or in the last digit that nvidia-smi shows. */
const TOLERANCE = { totalBytes: 1 * MIB, usedBytes: 64 * MIB, celsius: 3, watts: 0.5, megahertz: 0 };

let driver: Driver;
let facts: DeviceFacts[];
beforeAll(async () => {
  driver = await openDriver();
  facts = (await driver.enumerate()).devices;
});
afterAll(() => driver.close());

interface Comparison {
  field: string;
  smi: string | null | undefined;
  berth: string | null;
  tolerance: string;
  agrees: boolean;
}

describe('the devices', () => {
  it('are enumerated, with what a scheduler must know of each', async () => {
    const { driver: info, devices } = await driver.enumerate();
    report(
      'Devices',
      `Driver ${info.driverVersion}, CUDA ${info.cudaVersion}, NVML ${info.nvmlVersion}, ${info.unreachable} unreachable.`,
      tableOf(
        ['index', 'name', 'UUID', 'memory', 'compute', 'architecture', 'PCI', 'NUMA', 'MIG', 'NVLinks'],
        devices.map((device) => [
          device.index,
          device.name,
          device.uuid,
          mebibytes(device.memoryTotalBytes),
          device.computeCapability,
          device.architecture,
          device.pciAddress,
          device.numaNode,
          device.mig ? `${device.mig.profile}` : device.migEnabled,
          device.links.map(({ nvlinks }) => nvlinks ?? '?').join(' ') || '-',
        ]),
      ),
      'Figures that the driver does not give:',
      devices.map((device) => `- ${device.uuid}: ${unknownsOf(device).join(', ') || 'none'}`).join('\n'),
    );
    expect(devices.length).toBeGreaterThan(0);
    for (const device of devices) {
      expect(device.uuid).toMatch(/^(GPU|MIG)-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
      expect(device.memoryTotalBytes).toBeGreaterThan(0);
      expect(device.computeCapability).toMatch(/^\d+\.\d+$/);
    }
  });

  it('are sampled, and nothing that was seen is impossible', async () => {
    const samples = await samplesOf(facts);
    report(
      'A sample of each',
      tableOf(
        ['device', 'used', 'free', 'reserved', 'utilisation', '°C', 'W', 'SM MHz', 'throttled', 'processes'],
        samples.map((sample) => [
          sample.uuid,
          mebibytes(sample.memoryUsedBytes),
          mebibytes(sample.memoryFreeBytes),
          mebibytes(sample.memoryReservedBytes),
          sample.utilisation,
          sample.temperatureCelsius,
          sample.powerWatts,
          sample.clocks.smMegahertz,
          sample.throttled?.join(', ') ?? 'unknown',
          sample.processes?.length ?? 'unknown',
        ]),
      ),
      'Figures that the driver does not give:',
      samples.map((sample) => `- ${sample.uuid}: ${unknownsOf(sample).join(', ') || 'none'}`).join('\n'),
    );
    for (const [i, sample] of samples.entries()) {
      const total = facts[i]?.memoryTotalBytes as number;
      expect(sample.lost).toBe(false);
      expect(sample.memoryUsedBytes).toBeLessThanOrEqual(total);
      expect(sample.memoryFreeBytes).toBeLessThanOrEqual(total);
      expect(sample.utilisation ?? 0).toBeLessThanOrEqual(1);
      expect(sample.temperatureCelsius ?? 40).toBeGreaterThan(0);
      expect(sample.temperatureCelsius ?? 40).toBeLessThan(120);
    }
  });
});

describe.runIf(hasSmi())('nvidia-smi', () => {
  it('says the same of each GPU', async () => {
    const gpus = facts.filter(({ mig }) => !mig);
    const before = await samplesOf(gpus);
    const smi = smiDevices();
    const after = await samplesOf(gpus);
    const { driver: info } = await driver.enumerate();
    const compared = gpus.flatMap((device, i) => {
      const other = smi.find(({ uuid }) => uuid === device.uuid);
      const samples = [before[i], after[i]].filter((sample) => sample !== undefined);
      return other ? comparisons(other, device, samples, info.driverVersion) : [];
    });
    report(
      'Beside nvidia-smi',
      tableOf(
        ['figure', 'nvidia-smi', 'Berth', 'may differ by', ''],
        compared.map(({ field, smi, berth, tolerance, agrees }) => [
          field,
          smi ?? 'not told',
          berth ?? 'not told',
          tolerance,
          agrees ? 'agrees' : '**DIFFERS**',
        ]),
      ),
    );
    expect(gpus.map(({ uuid }) => uuid).sort()).toEqual(smi.map(({ uuid }) => uuid).sort());
    expect(compared.filter(({ agrees }) => !agrees)).toEqual([]);
  });

  it('counts them in the same order', () => {
    const gpus = facts.filter(({ mig }) => !mig);
    expect(gpus.map(({ uuid }) => uuid)).toEqual(smiDevices().map(({ uuid }) => uuid));
  });

  it('knows the same MIG instances', () => {
    const instances = facts.filter(({ mig }) => mig).map(({ uuid }) => uuid);
    expect(instances).toEqual(smiMigInstances());
  });
});

if (!hasSmi()) report('Beside nvidia-smi', 'Not compared: nvidia-smi is not here.');

async function samplesOf(devices: readonly DeviceFacts[]): Promise<DeviceSample[]> {
  const samples: DeviceSample[] = [];
  for (const { uuid } of devices) samples.push(await driver.sample(uuid));
  return samples;
}

/** The names of figures that are null; that a GPU is no MIG instance is known. */
function unknownsOf(what: object, prefix = ''): string[] {
  return Object.entries(what).flatMap(([name, value]) => {
    if (value === null) return name === 'mig' ? [] : [`${prefix}${name}`];
    return typeof value === 'object' && !Array.isArray(value) ? unknownsOf(value, `${prefix}${name}.`) : [];
  });
}

function comparisons(
  smi: SmiDevice,
  device: DeviceFacts,
  samples: DeviceSample[],
  driverVersion: string | null,
): Comparison[] {
  const same = (field: keyof SmiDevice, berth: string | null): Comparison => ({
    field,
    smi: smi[field],
    berth,
    tolerance: 'nothing',
    agrees: smi[field]?.toLowerCase() === berth?.toLowerCase(),
  });
  const onOff = (field: keyof SmiDevice, berth: boolean | null): Comparison => ({
    ...same(field, berth === null ? null : berth ? 'Enabled' : 'Disabled'),
    // A GPU that can't be divided has no mode to nvidia-smi; that it isn't divided is as right.
    ...(smi[field] === null && berth !== true ? { agrees: true } : {}),
  });
  /** Figures of the device, at one or several times: nvidia-smi's may lie between them. */
  const near = (
    field: keyof SmiDevice,
    berth: (number | null)[],
    tolerance: number,
    unit: string,
    scale = 1,
  ): Comparison => {
    const known = berth.filter((value) => value !== null);
    const figure = smi[field] == null ? null : Number(smi[field]) * scale;
    const agrees =
      known.length === 0 || figure === null
        ? known.length === 0 && figure === null
        : figure >= Math.min(...known) - tolerance && figure <= Math.max(...known) + tolerance;
    const shown = [...new Set(known.map((value) => String(value / scale)))].join(' … ');
    return {
      field,
      smi: smi[field],
      berth: shown || null,
      tolerance: `${tolerance / scale} ${unit}`,
      agrees,
    };
  };
  const of = (figure: (sample: DeviceSample) => number | null) => samples.map(figure);
  return [
    same('uuid', device.uuid),
    same('name', device.name),
    same('pci.bus_id', device.pciAddress),
    same('driver_version', driverVersion),
    same('compute_cap', device.computeCapability),
    near('memory.total', [device.memoryTotalBytes], TOLERANCE.totalBytes, 'MiB', MIB),
    near(
      'memory.used',
      of((sample) => sample.memoryUsedBytes),
      TOLERANCE.usedBytes,
      'MiB',
      MIB,
    ),
    near('power.limit', [device.powerLimitWatts], TOLERANCE.watts, 'W'),
    near(
      'temperature.gpu',
      of((sample) => sample.temperatureCelsius),
      TOLERANCE.celsius,
      '°C',
    ),
    near(
      'temperature.memory',
      of((sample) => sample.memoryTemperatureCelsius),
      TOLERANCE.celsius,
      '°C',
    ),
    near('clocks.max.sm', [device.maxClocks.smMegahertz], TOLERANCE.megahertz, 'MHz'),
    onOff('ecc.mode.current', device.eccEnabled),
    onOff('mig.mode.current', device.migEnabled),
    onOff('persistence_mode', device.persistenceMode),
    same('compute_mode', smiComputeMode(device)),
  ].filter(({ smi }) => smi !== undefined); // An older nvidia-smi doesn't know every field.
}

function smiComputeMode({ computeMode }: DeviceFacts): string | null {
  const names = {
    default: 'Default',
    exclusiveThread: 'Exclusive_Thread',
    prohibited: 'Prohibited',
    exclusiveProcess: 'Exclusive_Process',
  };
  return computeMode && names[computeMode];
}
