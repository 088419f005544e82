import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { createSimulation, probeCuda } from './index.js';
import { AS_CUDA, AS_CUDA_DIVIDED, DIVIDED, UUIDS } from './mask-cases.test-support.js';
import { native, SIMULATED_LIBRARIES } from './native.js';
import { readText } from './simulation/description.js';
import { layOut } from './simulation/layout.js';

const root = mkdtempSync(join(tmpdir(), 'berth-cuda-'));
afterAll(() => rmSync(root, { recursive: true }));

/** Asks libcuda.so.1 as a program does: for each mask in a process of its own, since CUDA reads the mask once. */
const PROGRAM = `
import ctypes, json, os, sys

def devices():
    cuda = ctypes.CDLL("libcuda.so.1")
    seen = {"init": cuda.cuInit(0), "devices": []}
    count = ctypes.c_int(0)
    cuda.cuDeviceGetCount(ctypes.byref(count))
    for i in range(count.value):
        name, uuid, total = ctypes.create_string_buffer(96), ctypes.create_string_buffer(16), ctypes.c_size_t(0)
        cuda.cuDeviceGetName(name, 96, i)
        cuda.cuDeviceGetUuid_v2(uuid, i)
        cuda.cuDeviceTotalMem_v2(ctypes.byref(total), i)
        values = []
        for attribute in (75, 76, 33):
            value = ctypes.c_int(0)
            cuda.cuDeviceGetAttribute(ctypes.byref(value), attribute, i)
            values.append(value.value)
        seen["devices"].append([name.value.decode(), uuid.raw.hex(), total.value] + values)
    return seen

for mask in json.load(sys.stdin):
    os.environ.pop("CUDA_VISIBLE_DEVICES", None)
    if mask is not None:
        os.environ["CUDA_VISIBLE_DEVICES"] = mask
    sys.stdout.flush()
    if os.fork() == 0:
        print(json.dumps(devices()), flush=True)
        os._exit(0)
    os.wait()
`;

interface Seen {
  init: number;
  devices: [name: string, uuid: string, bytes: number, major: number, minor: number, bus: number][];
}

function seenThrough(stateFile: string, masks: readonly (string | undefined)[]): Seen[] {
  const env = { ...process.env, LD_LIBRARY_PATH: SIMULATED_LIBRARIES, BERTH_SIMULATED_STATE: stateFile };
  const input = JSON.stringify(masks.map((mask) => mask ?? null));
  const printed = execFileSync('/usr/bin/python3', ['-c', PROGRAM], { env, input, encoding: 'utf8' });
  return printed
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Seen);
}

describe('the simulated CUDA driver', () => {
  it('tells a program of the devices what the simulation says', () => {
    const file = join(root, 'mixed');
    const { devices } = createSimulation('1xH100-80GB+1xT4', file);
    const [seen] = seenThrough(file, [undefined]);
    expect(seen?.init).toBe(0);
    expect(seen?.devices).toEqual([
      [devices[0]?.name, hexOf(devices[0]?.uuid), devices[0]?.memoryBytes, 9, 0, 1],
      [devices[1]?.name, hexOf(devices[1]?.uuid), devices[1]?.memoryBytes, 7, 5, 4],
    ]);
  });

  it('reads masks as readMask does', () => {
    const file = join(root, 'masks');
    createSimulation(JSON.stringify(UUIDS.map((uuid) => ({ model: 'T4', uuid }))), file);
    const seen = seenThrough(
      file,
      AS_CUDA.map(([mask]) => mask),
    );
    const hex = UUIDS.map(hexOf);
    expect(AS_CUDA.map(([mask], i) => [mask, seen[i]?.devices.map(([, uuid]) => hex.indexOf(uuid))])).toEqual(
      AS_CUDA.map(([mask, visible]) => [mask, visible]),
    );
    // 100 is CUDA_ERROR_NO_DEVICE.
    expect(seen.map(({ init }) => init)).toEqual(
      AS_CUDA.map(([, visible]) => (visible.length > 0 ? 0 : 100)),
    );
  });

  it('reads masks of a host with MIG instances as readMask does', async () => {
    const file = join(root, 'divided');
    const { native: records } = layOut(readText('1xA100-40GB:1g.5gb*3+1xA100-40GB+1xA100-40GB:1g.5gb'));
    const parents = new Map(DIVIDED.map(({ index, mig }) => [index, mig?.parent]));
    const instances = DIVIDED.filter(({ mig }) => mig);
    // The cases name UUIDs of their own.
    let gpu = -1;
    const renamed = records.map((record) => {
      if (record.parent === null) gpu += 1;
      const instance = record.parent === null ? undefined : instances.shift();
      const uuid = instance?.uuid ?? parents.get(gpu) ?? (DIVIDED[3]?.uuid as string);
      return { ...record, uuid, gpuInstance: instance?.mig?.gpuInstance ?? 0 };
    });
    native().writeSimulation(file, renamed, { driverVersion: '570.86.15', cudaVersion: 12080 });
    for (const [mask, visible] of AS_CUDA_DIVIDED) {
      const environment = {
        BERTH_SIMULATED_STATE: file,
        CUDA_VISIBLE_DEVICES: mask,
        CUDA_DEVICE_ORDER: 'PCI_BUS_ID',
      };
      const { devices } = await probeCuda(environment, { libraryDirectory: SIMULATED_LIBRARIES });
      const seen = devices.map(({ uuid }) => DIVIDED.findIndex((device) => device.uuid === uuid));
      expect([mask, seen]).toEqual([mask, visible]);
    }
  });

  it('counts by speed, unless it is told to count by place', async () => {
    const file = join(root, 'order');
    const { devices } = createSimulation('1xT4+1xH100-80GB+1xA10', file);
    const order = async (CUDA_DEVICE_ORDER?: string): Promise<number[]> => {
      const environment = { BERTH_SIMULATED_STATE: file, CUDA_DEVICE_ORDER };
      const view = await probeCuda(environment, { libraryDirectory: SIMULATED_LIBRARIES });
      return view.devices.map(({ uuid }) => devices.findIndex((device) => device.uuid === uuid));
    };
    expect(await order()).toEqual([1, 2, 0]);
    expect(await order('PCI_BUS_ID')).toEqual([0, 1, 2]);
  });

  it('says through the probe why it shows nothing', async () => {
    const nothing = await probeCuda(
      { BERTH_SIMULATED_STATE: '/no/such' },
      { libraryDirectory: SIMULATED_LIBRARIES },
    );
    expect(nothing).toMatchObject({ devices: [], error: { code: 'CUDA_ERROR_UNKNOWN' } });
    const noLibrary = await probeCuda({}, { libraryDirectory: root });
    expect(noLibrary.error?.code).toBe('no_library');
  });
});

function hexOf(uuid = ''): string {
  return uuid.slice('GPU-'.length).replaceAll('-', '');
}
