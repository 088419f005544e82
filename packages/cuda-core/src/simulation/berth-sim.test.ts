import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { createSimulation, openDriver } from '../index.js';
import { openSimulated, samplesOf } from '../simulated-driver.test-support.js';

const BERTH_SIM = new URL('../../bin/berth-sim.js', import.meta.url).pathname;
const { stateFile, simulation, driver } = await openSimulated('1xH100-80GB+1xA100-40GB:1g.5gb*2');

/** Runs berth-sim as typed. */
function sim(line: string) {
  const argv = [BERTH_SIM, '--state', stateFile, ...line.split(' ')];
  const { status, stdout, stderr } = spawnSync(process.execPath, argv, { encoding: 'utf8' });
  return { status, stdout, stderr };
}

it('changes what the driver says, while it runs', async () => {
  for (const line of [
    'process 0 4242 40GiB',
    'process 1:1 7 512MiB',
    'set 0 temperature=81 power=650 utilisation=97',
  ]) {
    expect(sim(line)).toEqual({ status: 0, stdout: '', stderr: '' });
  }
  const [gpu, , , second] = await samplesOf(driver);
  expect(gpu).toMatchObject({
    temperatureCelsius: 81,
    powerWatts: 650,
    utilisation: 0.97,
    processes: [{ pid: 4242, memoryBytes: 40 * 2 ** 30 }],
  });
  expect(second?.processes).toEqual([{ pid: 7, kind: 'compute', memoryBytes: 2 ** 29 }]);
  expect(sim('show').stdout).toMatch(
    /^0 {2}GPU-\S+ {2}NVIDIA H100 80GB HBM3 {2}40.0 GiB used, 81 °C {2}4242:40.0GiB\n/,
  );
});

it('loses a device and brings it back', async () => {
  const uuid = (await driver.enumerate()).devices[0]?.uuid as string;
  sim('lose 0');
  expect((await driver.sample(uuid)).lost).toBe(true);
  expect(sim('return 0').status).toBe(0);
  expect((await driver.sample(uuid)).lost).toBe(false);
});

it('shows what the driver tells nothing of', () => {
  sim('remove 1');
  expect(sim('show').stdout.match(/^- {2}.*removed$/gm)).toHaveLength(3);
  sim('return 1');
  expect(sim('show').stdout).not.toContain('removed');
});

it('lets a device hang, and releases it', async () => {
  const { libraryDirectory } = simulation;
  const patient = await openDriver({ libraryDirectory, samplePatienceMs: 60_000 });
  const uuid = (await patient.enumerate()).devices[0]?.uuid as string;
  sim('hang 0');
  const sample = patient.sample(uuid);
  const first = await Promise.race([sample, new Promise((resolve) => setTimeout(resolve, 300, 'hangs'))]);
  expect(first).toBe('hangs');
  expect(sim('release 0').status).toBe(0);
  expect((await sample).lost).toBe(false);
  await patient.close();
});

it('finds the state of a data directory', () => {
  const environment = { ...process.env, BERTH_SIMULATED_STATE: undefined };
  const run = (argv: string[], more: object = {}) =>
    spawnSync(process.execPath, [BERTH_SIM, ...argv], { encoding: 'utf8', env: { ...environment, ...more } });
  const dataDirectory = mkdtempSync(join(tmpdir(), 'berth-sim-'));
  createSimulation('1xT4', join(dataDirectory, 'simulation.state'));
  expect(run(['--data-dir', dataDirectory, 'show']).stdout).toContain('Tesla T4');
  expect(run(['show'], { BERTH_DATA_DIR: dataDirectory }).stdout).toContain('Tesla T4');
  expect(run(['show'], { BERTH_DATA_DIR: '/no/such' }).stderr).toContain('/no/such/simulation.state');
  expect(run(['--data-dir', dataDirectory, '--state', stateFile, 'show']).status).toBe(2);
  rmSync(dataDirectory, { recursive: true });
});

it.each([
  ['', 2, /no command ''/],
  ['explode 0', 2, /no command 'explode'/],
  ['xid 0', 2, /write: berth-sim xid DEVICE NUMBER/],
  ['xid 0 many', 2, /'many' is no whole number/],
  ['process 0 1 lots', 2, /'lots' is no size/],
  ['set 0 colour=3', 2, /no figure 'colour'; there are utilisation/],
  ['set 0', 2, /write: berth-sim set/],
  ['set 0 utilisation=101', 2, /utilisationPercent is 101/],
  ['lose 0 1', 2, /write: berth-sim lose DEVICE/],
  ['hang 0 1 2', 2, /write: berth-sim hang DEVICE/],
  ['lose 9', 1, /no simulated device 9/],
  ['--shout', 2, /shout/],
  ['--state /no/such xid 0 1', 1, /\/no\/such is no state of a simulated driver/],
  ['--state /no/such show', 1, /\/no\/such is no state.*start berthd with --simulate/],
])('%j is an error of one line', (line, status, says) => {
  const result = sim(line);
  expect(result.status).toBe(status);
  expect(result.stderr).toMatch(says);
  expect(result.stderr.trim().split('\n')).toHaveLength(1);
});

it('helps', () => {
  expect(sim('--help')).toMatchObject({
    status: 0,
    stdout: expect.stringContaining('hang DEVICE [SECONDS]') as string,
  });
});
