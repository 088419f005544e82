import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { changeSimulation, createSimulation, parseSimulation, SimulationError } from '../index.js';

const root = mkdtempSync(join(tmpdir(), 'berth-simulation-'));
afterAll(() => rmSync(root, { recursive: true }));

describe('a description of simulated devices', () => {
  it('gives the same devices each time, and no two with one UUID', () => {
    const devices = parseSimulation('2xH100-80GB+2xA100-40GB');
    expect(devices).toEqual(parseSimulation('2xh100-80gb + 2xA100-40GB'));
    expect(new Set(devices.map(({ uuid }) => uuid)).size).toBe(4);
    for (const { uuid } of devices) expect(uuid).toMatch(/^GPU-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
  });

  it('needs no size where a model has one only', () => {
    expect(parseSimulation('64xT4')).toHaveLength(64);
  });

  it.each([
    ['', /describes no devices/],
    ['H100', /write for example/],
    ['0xT4', /1 to 64/],
    ['65xT4', /1 to 64/],
    ['40xT4+40xT4', /1 to 64/],
    ['2xA100', /A100-80GB, A100-40GB/],
    ['2xVoodoo2', /no model Voodoo2.*H100-80GB/],
    ['x'.repeat(1 << 20), /describes no devices/],
    [`1xT4${' '.repeat(5000)}junk`, /describes no devices/],
    ['1xT4+', /describes no devices/],
    ['-1xT4', /describes no devices/],
    ['1.5xT4', /describes no devices/],
    ['2xconstructor', /no model constructor/],
    ['1xT4:1g.5gb', /T4-16GB can't be divided/],
    ['1xA100-40GB:9g.5gb', /no MIG profile 9g.5gb; there are 1g.5gb, 1g.10gb, 2g.10gb/],
    ['1xA100-40GB:1g.5gb*8', /need 8 compute and 8 memory slices; A100-40GB has 7 and 8/],
    ['1xA100-40GB:3g.20gb/3g.20gb/1g.5gb', /need 7 compute and 9 memory slices/],
    ['1xA100-40GB:', /describes no devices/],
    ['1xA100-40GB:,', /describes no devices/],
    ['1xA100-40GB:3g.20gb/', /is no MIG instance/],
    ['1xA100-40GB:1g.5gb*0', /is no MIG instance/],
    ['17xA100-40GB:1g.5gb*7', /136 GPUs and MIG instances; 128/],
  ])('%.20j is refused', (spec, message) => {
    expect(() => parseSimulation(spec)).toThrow(SimulationError);
    expect(() => parseSimulation(spec)).toThrow(message);
  });
});

it('a state file is for its owner alone, and is kept when it fits', () => {
  const file = join(root, 'state');
  createSimulation('2xT4', file);
  const first = statSync(file);
  expect(first.mode & 0o777).toBe(0o600);
  createSimulation('2xT4', file);
  expect(statSync(file).ino).toBe(first.ino);
  createSimulation('1xT4', file);
  expect(statSync(file).ino).not.toBe(first.ino);
});

it.each([
  ['of less memory', '[{"model": "T4", "memory": "6GiB"}]'],
  ['in another place', '[{"model": "T4", "pciAddress": "00000000:20:00.0"}]'],
  ['of another driver', '{"cudaVersion": "12.4", "devices": [{"model": "T4"}]}'],
])('a state file is replaced where the same UUID is a device %s', (_, spec) => {
  const file = join(root, 'replaced');
  createSimulation('1xT4', file);
  const before = readFileSync(file);
  createSimulation(spec, file);
  expect(readFileSync(file).equals(before)).toBe(false);
});

it('a state file that is kept keeps what was changed of its devices', () => {
  const file = join(root, 'kept');
  createSimulation('1xT4', file);
  changeSimulation(file, { device: 0, temperatureCelsius: 77, process: { pid: 4_000_000, memoryBytes: 1 } });
  const before = readFileSync(file);
  createSimulation('1xT4', file);
  expect(readFileSync(file).equals(before)).toBe(true);
});

describe('a change', () => {
  const file = join(root, 'changed');
  createSimulation('2xT4', file);

  it.each([
    [{ device: 2, temperatureCelsius: 1 }, /no simulated device 2/],
    [{ temperatureCelsius: 1 }, /no device is named/],
    [{ device: 0, temperatureCelsius: -1 }, /temperatureCelsius is -1/],
    [{ device: 0, utilisationPercent: 101 }, /utilisationPercent is 101: .* 0 to 100/],
    [{ device: 0, utilisationPercent: Number.NaN }, /utilisationPercent is NaN/],
    [{ device: 0, process: { pid: 1.5, memoryBytes: 1 } }, /pid is 1.5/],
    [{ device: 0, process: { pid: 0, memoryBytes: 1 } }, /no process/],
    [{ device: 0, process: { pid: 1, memoryBytes: -1 } }, /memoryBytes is -1/],
    [{ process: { pid: 1, memoryBytes: 1 } }, /no device is named/],
  ])('of %j is refused', (change, message) => {
    expect(() => changeSimulation(file, change)).toThrow(message);
  });

  it('adds no process to a device that has no room for more', () => {
    const take = (pid: number) => changeSimulation(file, { device: 1, process: { pid, memoryBytes: 1 } });
    for (let pid = 1; pid <= 64; pid += 1) take(pid);
    expect(() => take(65)).toThrow(/room for 64/);
    take(64);
  });
});

it('a state file that can not be written says so, and leaves nothing behind', () => {
  expect(() => createSimulation('1xT4', join(root, 'no/such/folder'))).toThrow(/No such file or directory/);
});

describe('MIG instances', () => {
  it('follow their GPU, each with its share of the memory', () => {
    const devices = parseSimulation('1xA100-80GB:3g.40gb/2g.20gb/1g.10gb*2+1xT4');
    expect(devices.map(({ name }) => name)).toEqual([
      'NVIDIA A100-SXM4-80GB',
      'NVIDIA A100-SXM4-80GB MIG 3g.40gb',
      'NVIDIA A100-SXM4-80GB MIG 2g.20gb',
      'NVIDIA A100-SXM4-80GB MIG 1g.10gb',
      'NVIDIA A100-SXM4-80GB MIG 1g.10gb',
      'Tesla T4',
    ]);
    expect(devices.slice(1, 5).map(({ memoryBytes }) => Math.round(memoryBytes / 2 ** 30))).toEqual([
      38, 19, 10, 10,
    ]);
    expect(new Set(devices.map(({ uuid }) => uuid)).size).toBe(6);
  });

  it('may be more than 64', () => {
    expect(parseSimulation('10xA100-40GB:1g.5gb*7')).toHaveLength(80);
  });

  it('may be missing though the GPU is in MIG mode', () => {
    expect(parseSimulation('1xA100-40GB:mig')).toHaveLength(1);
  });
});

describe('a description in JSON', () => {
  mkdirSync(join(root, 'folder.json'));
  execFileSync('mkfifo', [join(root, 'pipe.json')]);

  it('starts from a model, and says what is different', () => {
    const json = {
      driverVersion: '550.54.15',
      cudaVersion: '12.4',
      devices: [
        { model: 'H100', count: 2 },
        { model: 'A100-40GB', mig: ['3g.20gb', '1g.5gb'], numaNode: 1 },
        {
          name: 'My GPU',
          memory: '6GiB',
          computeCapability: '6.1',
          uuid: `GPU-${'0'.repeat(8)}-0000-0000-0000-000000000001`,
        },
      ],
    };
    const devices = parseSimulation(JSON.stringify(json));
    expect(devices).toHaveLength(6);
    expect(devices.at(-1)).toEqual({
      uuid: 'GPU-00000000-0000-0000-0000-000000000001',
      name: 'My GPU',
      memoryBytes: 6 * 2 ** 30,
      computeCapability: '6.1',
      pciAddress: '00000000:0a:00.0',
    });
    expect(devices.slice(0, 2)).toEqual(parseSimulation('2xH100'));
  });

  it('may lie in a file', () => {
    const file = join(root, 'devices.json');
    writeFileSync(file, '[{"model": "T4"}]');
    expect(parseSimulation(file)).toEqual(parseSimulation('1xT4'));
  });

  it('puts devices in PCI order, those without an address where there is room', () => {
    const at = (bus: string) => `00000000:${bus}:00.0`;
    const spec = [
      { model: 'H100', pciAddress: at('04') },
      { model: 'T4' },
      { model: 'A10', pciAddress: at('01') },
    ];
    const devices = parseSimulation(JSON.stringify(spec));
    expect(devices.map(({ name, pciAddress }) => [name, pciAddress])).toEqual([
      ['NVIDIA A10', at('01')],
      ['NVIDIA H100 80GB HBM3', at('04')],
      ['Tesla T4', at('05')],
    ]);
  });

  it.each([
    ['{', /is no JSON/],
    ['[]', /devices: must be a list of devices/],
    ['{}', /devices: must be a list/],
    ['[3]', /devices\[0\]: must be an object/],
    ['[{}]', /devices\[0\].name: is missing/],
    ['[{"model": "H1000"}]', /devices\[0\].model: no model H1000/],
    ['[{"model": "T4"}, {"model": 4}]', /devices\[1\].model: must be text/],
    ['[{"model": "T4", "memory": "much"}]', /devices\[0\].memory: must be bytes/],
    ['[{"model": "T4", "memory": -1}]', /devices\[0\].memory: must be a whole number/],
    ['[{"model": "T4", "colour": "red"}]', /no field 'colour'; there are model, name/],
    ['[{"model": "T4", "count": 65}]', /too few or too many/],
    ['[{"model": "T4", "uuid": "GPU-1"}]', /devices\[0\].uuid: must be text of the form/],
    ['[{"model": "T4", "mig": ["1g.5gb"]}]', /devices\[0\].mig: T4-16GB can't be divided/],
    ['[{"model": "A100-40GB", "mig": "1g.5gb"}]', /devices\[0\].mig: must be a list/],
    [
      '[{"model": "T4", "pciAddress": "00000000:01:00.0"}, {"model": "T4", "pciAddress": "00000000:01:00.0"}]',
      /same pciAddress/,
    ],
    [JSON.stringify([{ model: 'T4' }, { model: 'T4', uuid: parseSimulation('1xT4')[0]?.uuid }]), /same uuid/],
    ['[{"model": "T4", "links": 19}]', /devices\[0\].links: must be a whole number from 0 to 18/],
    ['[{"model": "A100-40GB", "mig": ["3g.20gb", 4]}]', /devices\[0\].mig: must be a list/],
    ['[{"model": "T4", "__proto__": {"count": 2}}]', /no field '__proto__'/],
    ['[null]', /devices\[0\]: must be an object/],
    ['['.repeat(2 ** 20), /is no JSON/],
    [`{"${'x'.repeat(2 ** 20 - 10)}": 1}`, /the description: has no field 'x{40}'/],
    ['{"devices": [{"model": "T4"}], "cudaVersion": 12}', /cudaVersion: must be text/],
    [`[${'{"model": "T4"},'.repeat(70_000)}{}]`, /longer than 1 MiB/],
    [root, /describes no devices/],
    [join(root, 'folder.json'), /folder.json: it is no file/],
    [join(root, 'pipe.json'), /pipe.json: it is no file/],
    ['/no/such/file.json', /file.json can't be read: .*no such file/i],
  ])('%.60s is refused by the name of its field', (spec, message) => {
    expect(() => parseSimulation(spec)).toThrow(SimulationError);
    expect(() => parseSimulation(spec)).toThrow(message);
  });
});

it('a change finds a device by index, UUID and place', () => {
  const file = join(root, 'found');
  const { devices } = createSimulation('1xA100-40GB:1g.5gb*2+1xT4', file);
  for (const device of [0, 1, '0:0', '0:1', devices[1]?.uuid as string])
    changeSimulation(file, { device, xid: 1 });
  for (const device of [2, '0:2', '1:0', 'GPU-', 'x', '0:x'])
    expect(() => changeSimulation(file, { device, xid: 1 })).toThrow(`no simulated device ${device}`);
});
