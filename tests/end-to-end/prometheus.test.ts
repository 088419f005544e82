import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Device } from '@berth/contract';
import { changeSimulation } from '@berth/cuda-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually, TestDaemon } from '../support/daemon.js';
import { type Family, parseExposition, valueIn } from '../support/exposition.js';

const folder = mkdtempSync(join(tmpdir(), 'berth-prometheus-'));
const jobMap = join(folder, 'jobs');

let daemon: TestDaemon;
beforeAll(async () => {
  const config = join(folder, 'berth.yaml');
  writeFileSync(config, `dcgmJobMapping: ${jobMap}\n`);
  daemon = await TestDaemon.start('2xH100-80GB', '--config', config);
});
afterAll(async () => {
  await daemon.destroy();
  rmSync(folder, { recursive: true });
});

const scrape = async (query = ''): Promise<Map<string, Family>> => {
  const response = await daemon.request(`/metrics${query}`);
  expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
  return parseExposition(await response.text());
};
describe('/metrics', () => {
  it('is for those who have a token: a viewer’s will do', async () => {
    expect((await fetch(`${daemon.address}/metrics`)).status).toBe(401);
    await daemon.post('/v1/users', { name: 'prometheus', role: 'viewer' });
    const made = await daemon.post('/v1/users/prometheus/tokens', { name: 'scrape' });
    const { token } = (await made.json()) as { token: string };
    const authorization = `Bearer ${token}`;
    expect((await fetch(`${daemon.address}/metrics`, { headers: { authorization } })).status).toBe(200);
    expect((await daemon.request('/metrics?names=nvidia')).status).toBe(422);
  });

  it('tells of devices what the API does, by the names of Berth and of DCGM', async () => {
    const job = await daemon.shell('sleep 60', { devices: '1' });
    await daemon.until(job, 'running');
    const state = join(daemon.dataDirectory, 'simulation.state');
    changeSimulation(state, {
      device: 0,
      energyJoules: 5_000_000,
      pcieReplays: 2,
      nvlinkTransmittedMebibytes: 300,
      nvlinkReplays: 4,
    });
    changeSimulation(state, { device: 1, memoryTemperatureCelsius: 0 });
    await eventually(
      () => daemon.devices(),
      ([first, second]) => first?.sample?.pcieReplays === 2 && !second?.sample?.memoryTemperatureCelsius,
    );
    // Of one sample of the driver, all three.
    const { berth, dcgm, devices } = await eventually(
      async () => {
        const before = await daemon.devices();
        const [berth, dcgm] = [await scrape(), await scrape('?names=dcgm')];
        return { berth, dcgm, devices: before, after: await daemon.devices() };
      },
      ({ devices, after }) => devices.every(({ sample }, i) => sample?.takenAt === after[i]?.sample?.takenAt),
    );
    for (const [i, { uuid, node, sample, memoryTotalBytes, name }] of devices.entries()) {
      const figures = sample as NonNullable<Device['sample']>;
      const own = { gpu: String(i), uuid, node };
      const theirs = { gpu: String(i), UUID: uuid, Hostname: node, modelName: name, device: `nvidia${i}` };
      expect(valueIn(berth, 'berth_device_memory_total_bytes', own)).toBe(memoryTotalBytes);
      expect(valueIn(berth, 'berth_device_memory_used_bytes', own)).toBe(figures.memoryUsedBytes);
      expect(valueIn(dcgm, 'DCGM_FI_DEV_FB_USED', theirs)).toBe(
        (figures.memoryUsedBytes as number) / 2 ** 20,
      );
      expect(valueIn(berth, 'berth_device_utilisation_ratio', own)).toBe(figures.utilisation);
      expect(valueIn(dcgm, 'DCGM_FI_DEV_GPU_UTIL', theirs)).toBe((figures.utilisation as number) * 100);
      expect(valueIn(berth, 'berth_device_temperature_celsius', own)).toBe(figures.temperatureCelsius);
      expect(valueIn(dcgm, 'DCGM_FI_DEV_POWER_USAGE', theirs)).toBe(figures.powerWatts);
      expect(valueIn(dcgm, 'DCGM_FI_DEV_SM_CLOCK', theirs)).toBe(figures.clocks.smMegahertz);
      expect(valueIn(berth, 'berth_device_held_ratio', own)).toBe(i);
      expect(valueIn(berth, 'berth_device_schedulable', own)).toBe(1);
      expect(valueIn(berth, 'berth_device_info', { ...own, name, simulated: 'true' })).toBe(1);
    }
    const [first, second] = [{ gpu: '0' }, { gpu: '1' }];
    expect(valueIn(berth, 'berth_device_energy_joules_total', first)).toBe(5_000_000);
    expect(valueIn(dcgm, 'DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION', first)).toBe(5e9);
    expect(valueIn(dcgm, 'DCGM_FI_DEV_PCIE_REPLAY_COUNTER', first)).toBe(2);
    expect(valueIn(berth, 'berth_device_nvlink_transmitted_bytes_total', first)).toBe(300 * 2 ** 20);
    expect(valueIn(dcgm, 'DCGM_FI_DEV_NVLINK_REPLAY_ERROR_COUNT_TOTAL', first)).toBe(4);
    expect(valueIn(dcgm, 'DCGM_FI_DEV_MEMORY_TEMP', first)).toBe(40);
    // No sensor, no figure.
    expect(valueIn(dcgm, 'DCGM_FI_DEV_MEMORY_TEMP', second)).toBeNull();
    expect([...berth.keys()].filter((name) => name.startsWith('DCGM'))).toEqual([]);
    expect([...dcgm.keys()].filter((name) => name.startsWith('berth_device'))).toEqual([]);
    await daemon.cancel(job);
    await daemon.ended(job);
  });

  it('tells of the queue by reason, of waits, runs, decisions and the ledger', async () => {
    const blocker = await daemon.shell('sleep 60', { gpus: 2 });
    await daemon.until(blocker, 'running');
    const waiting = await daemon.shell('true', { gpus: 2 });
    const others = [
      await daemon.shell('true', { hold: true }),
      await daemon.shell('true', { startAfter: '1h' }),
      await daemon.shell('true', { after: [{ job: String(blocker.number) }] }),
    ];
    const { reason } = await eventually(
      () => daemon.job(waiting),
      (job) => job.reason !== null,
    );
    const pendingIn = (found: Map<string, Family>) =>
      found.get('berth_pending_jobs')?.samples.reduce((sum, { value }) => sum + value, 0);
    // The scheduler hears of each by its event.
    const families = await eventually(scrape, (found) => pendingIn(found) === 4);
    expect(valueIn(families, 'berth_jobs', { state: 'pending' })).toBe(4);
    expect(valueIn(families, 'berth_ledger_up')).toBe(1);
    expect(valueIn(families, 'berth_ready')).toBe(1);
    expect(families.get('berth_not_ready_since_timestamp_seconds')?.samples).toEqual([]);
    expect(valueIn(families, 'berth_jobs', { state: 'running' })).toBe(1);
    const reasons = families
      .get('berth_pending_jobs')
      ?.samples.map(({ labels, value }) => [labels.reason, value]);
    expect(Object.fromEntries(reasons ?? [])).toEqual({
      [reason?.code as string]: 1,
      held: 1,
      start_after: 1,
      dependency: 1,
    });
    const placed = valueIn(families, 'berth_scheduler_placements_total') as number;
    expect(placed).toBeGreaterThan(0);
    expect(valueIn(families, 'berth_job_wait_seconds_count')).toBe(placed);
    expect(valueIn(families, 'berth_attempt_run_seconds_count', { outcome: 'cancelled' })).toBe(1);
    expect(valueIn(families, 'berth_ledger_transition_seconds_count', { transition: 'assign' })).toBe(placed);
    expect(valueIn(families, 'berth_scheduler_decision_seconds_count')).toBeGreaterThanOrEqual(placed);
    expect(valueIn(families, 'nodejs_eventloop_lag_p99_seconds')).toBeGreaterThan(0);
    for (const job of [...others, waiting, blocker]) await daemon.cancel(job);
    await daemon.ended(blocker);
    const ended = await eventually(scrape, (found) => pendingIn(found) === 0);
    expect(ended.get('berth_pending_jobs')?.samples).toEqual([]);
    expect(valueIn(ended, 'berth_jobs', { state: 'pending' })).toBe(0);
  });
});

it('has all that the rules for alerts, the dashboard and the documentation name', async () => {
  const read = (file: string) => readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8');
  const told = [...(await scrape()), ...(await scrape('?names=dcgm'))].flatMap(([name, { type }]) =>
    type === 'histogram' ? [name, `${name}_bucket`, `${name}_count`, `${name}_sum`] : [name],
  );
  for (const file of ['deploy/prometheus/alerts.yml', 'deploy/grafana/berth.json', 'docs/monitoring.md']) {
    const named =
      read(file).match(/\b(?:berth|nodejs)_[a-z0-9_]+[a-z0-9]\b(?!…)|\bDCGM_FI_DEV_[A-Z_]+[A-Z]\b/g) ?? [];
    expect(named.length, file).toBeGreaterThan(10);
    for (const name of named) expect(told, `${name} in ${file}`).toContain(name);
  }
  const documented = read('docs/monitoring.md');
  for (const name of told.filter((each) => /^(berth_device|DCGM)/.test(each)))
    expect(documented).toContain(name);
});

it('keeps the folder that DCGM’s exporter reads: a file for each device that a job has', async () => {
  const isEmpty = () =>
    eventually(
      () => readdirSync(jobMap),
      (files) => files.length === 0,
    );
  await isEmpty();
  const job = await daemon.shell('sleep 60', { devices: '1', sharing: { memory: '20GiB' } });
  const other = await daemon.shell('sleep 60', { devices: '1', sharing: { memory: '20GiB' } });
  const both = `${job.id}\n${other.id}\n`;
  const file = join(jobMap, '1');
  await eventually(
    () => (existsSync(file) ? readFileSync(file, 'utf8') : ''),
    (jobs) => jobs === both,
  );
  await eventually(
    () => readdirSync(jobMap),
    (files) => files.join() === '1',
  );
  for (const each of [job, other]) await daemon.cancel(each);
  await isEmpty();
});
