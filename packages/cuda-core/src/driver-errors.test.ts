import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { changeSimulation, createSimulation, DriverError, openDriver, type Simulation } from './index.js';
import { SIMULATED_LIBRARIES } from './native.js';

const root = mkdtempSync(join(tmpdir(), 'berth-driver-errors-'));
const stateFile = join(root, 'state');
let simulation: Simulation;

beforeAll(() => {
  simulation = createSimulation('2xT4', stateFile);
});
afterAll(() => rmSync(root, { recursive: true }));

/** Nothing has the simulated driver open here, so each opening reads BERTH_SIMULATED_STATE and maps its file anew. */
const openWith = (file: string) => {
  process.env.BERTH_SIMULATED_STATE = file;
  return openDriver({ libraryDirectory: simulation.libraryDirectory });
};

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
    ['is another library', (file: string) => copyFileSync(join(SIMULATED_LIBRARIES, 'libcuda.so.1'), file)],
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
    await expect(openWith(stateFile)).rejects.toMatchObject({
      code: 'driver_version_mismatch',
      message: expect.stringContaining('Driver/library version mismatch') as string,
      hint: expect.stringContaining('Reboot') as string,
    });
    changeSimulation(stateFile, { initResult: 0 });
  });

  /** state.h: behind the header and the 64 events. */
  const DEVICES_AT = 80 + 64 * 16;
  const whole = (change: (bytes: Buffer) => Buffer) => () => change(readFileSync(stateFile));
  it.each<[string, () => Buffer]>([
    ['empty', () => Buffer.alloc(0)],
    ['too short', () => Buffer.from('BERTH-SIMULATED')],
    ['of nonsense', () => Buffer.alloc(100_000, 'x')],
    ['cut off', whole((bytes) => bytes.subarray(0, -1))],
    ['too long', whole((bytes) => Buffer.concat([bytes, Buffer.alloc(1)]))],
    ['of the right length, but foreign', whole((bytes) => Buffer.alloc(bytes.length, 'x'))],
    ['of another version', whole((bytes) => patched(bytes, 16, Buffer.from([0xff])))],
    ['of more devices than there can be', whole((bytes) => patched(bytes, 20, Buffer.from([129])))],
    [
      'of a device whose UUID has no end',
      whole((bytes) => patched(bytes, DEVICES_AT, Buffer.alloc(48, 'x'))),
    ],
  ])('the simulation has a state file that is %s', async (name, content) => {
    const file = join(root, name);
    writeFileSync(file, content());
    await expect(openWith(file)).rejects.toMatchObject({ code: 'driver_broken' });
    expect(() => changeSimulation(file, { initResult: 0 })).toThrow(/no state of a simulated driver/);
  });

  it('the simulation has no state file, or something else in its place', async () => {
    await expect(openWith(join(root, 'nothing'))).rejects.toMatchObject({ code: 'driver_broken' });
    await expect(openWith(root)).rejects.toMatchObject({ code: 'driver_broken' });
    delete process.env.BERTH_SIMULATED_STATE;
    await expect(openDriver({ libraryDirectory: simulation.libraryDirectory })).rejects.toBeInstanceOf(
      DriverError,
    );
  });
});

it('a driver that could not be opened can be, once it works', async () => {
  changeSimulation(stateFile, { initResult: 999 });
  await expect(openWith(stateFile)).rejects.toMatchObject({ code: 'driver_broken' });
  changeSimulation(stateFile, { initResult: 0 });
  const driver = await openWith(stateFile);
  expect((await driver.enumerate()).devices).toHaveLength(2);
  await driver.close();
});

function patched(bytes: Buffer, at: number, patch: Buffer): Buffer {
  const copy = Buffer.from(bytes);
  patch.copy(copy, at);
  return copy;
}
