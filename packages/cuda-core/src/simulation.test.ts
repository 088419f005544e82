import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { changeSimulation, createSimulation, parseSimulation, SimulationError } from './index.js';

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

describe('a change', () => {
  const file = join(root, 'changed');
  createSimulation('2xT4', file);

  it.each([
    [{ device: 2, temperatureCelsius: 1 }, /no simulated device 2/],
    [{ temperatureCelsius: 1 }, /no device is named/],
    [{ device: 0, temperatureCelsius: -1 }, /temperatureCelsius is -1/],
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
