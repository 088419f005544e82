import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import { createSimulation, type DeviceSample, type Driver, openDriver, type Simulation } from './index.js';
import { NATIVE_BUILD } from './native.js';

/** Whether the native code has sanitizers: they keep what is freed for a while, and take their time. */
export const SANITIZED = NATIVE_BUILD === 'build-sanitized';

/** Simulated devices and their driver, opened, until the tests of a file are over. */
export async function openSimulated(
  spec: string,
): Promise<{ root: string; stateFile: string; simulation: Simulation; driver: Driver }> {
  const root = mkdtempSync(join(tmpdir(), 'berth-driver-'));
  const stateFile = join(root, 'state');
  const simulation = createSimulation(spec, stateFile);
  Object.assign(process.env, simulation.environment);
  const driver = await openDriver({ libraryDirectory: simulation.libraryDirectory });
  afterAll(async () => {
    await driver.close();
    rmSync(root, { recursive: true });
  });
  return { root, stateFile, simulation, driver };
}

/** A sample of each device that the driver tells of, in its order. */
export async function samplesOf(driver: Driver): Promise<DeviceSample[]> {
  const { devices } = await driver.enumerate();
  const samples: DeviceSample[] = [];
  for (const { uuid } of devices) samples.push(await driver.sample(uuid));
  return samples;
}
