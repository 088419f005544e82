import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DoctorReport, Finding } from '@berth/contract';
import { changeSimulation } from '@berth/cuda-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually, TestDaemon } from '../support/daemon.js';

const BERTH = new URL('../../apps/cli/bin/berth.js', import.meta.url).pathname;
const PYTHON = process.env.BERTH_PYTHON ?? '/usr/bin/python3';

let daemon: TestDaemon;
beforeAll(async () => {
  daemon = await TestDaemon.start('2xH100-80GB');
});
afterAll(() => daemon.destroy());

function berth(...argv: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [BERTH, 'doctor', ...argv], {
    encoding: 'utf8',
  });
  return { status, stdout, stderr };
}
const report = async (query = ''): Promise<DoctorReport> =>
  (await (await daemon.request(`/v1/doctor?${query}`)).json()) as DoctorReport;
const find = ({ findings }: DoctorReport, id: string): Finding | undefined =>
  findings.find((finding) => finding.id === id);

describe('the doctor of a daemon', () => {
  it('looks at the driver, the devices, a real PyTorch, the real Redis and the host', async () => {
    const seen = await report(`python=${PYTHON}`);
    expect(find(seen, 'driver')).toMatchObject({
      level: 'note',
      sentence: expect.stringContaining('simulated') as string,
    });
    expect(find(seen, 'devices')?.sentence).toContain('2 to run jobs on: 0 NVIDIA H100');
    expect(find(seen, 'pytorch')).toMatchObject({
      level: 'ok',
      sentence: expect.stringMatching(/^PyTorch \d/) as string,
    });
    expect(find(seen, 'redis-durability')).toMatchObject({ level: 'ok' });
    expect(find(seen, 'data-directory')).toMatchObject({ level: 'ok' });
    expect(seen.findings.filter(({ level }) => level === 'problem')).toEqual([]);
  });

  it('says how jobs are contained, and that is how they are', async () => {
    const said = find(await report(`python=${PYTHON}`), 'containment')?.sentence ?? '';
    const job = await daemon.shell('cat /proc/self/cgroup');
    await daemon.ended(job);
    const isInGroup = (await daemon.logs(job)).includes(`/berth/${job.id}.1/0`);
    expect(isInGroup).toBe(said.includes('by control groups'));
    expect(!isInGroup).toBe(said.includes('subreaper'));
    const limited = await daemon.post('/v1/jobs', {
      command: ['true'],
      workingDirectory: '/',
      limits: { memory: '1GiB' },
    });
    // A promise that can't be kept isn't made.
    expect(limited.status).toBe(/subreaper|limited there by memory/.test(said) ? 422 : 201);
  });

  it('says what is the matter with a device, and with the permissions', async () => {
    changeSimulation(join(daemon.dataDirectory, 'simulation.state'), { device: 1, xid: 48 });
    await eventually(
      () => report(),
      (seen) => find(seen, 'device-1-unwell') !== undefined,
    );
    chmodSync(join(daemon.dataDirectory, 'token'), 0o644);
    const { status, stdout } = berth('--data-dir', daemon.dataDirectory, '--python', PYTHON);
    chmodSync(join(daemon.dataDirectory, 'token'), 0o600);
    expect(status).toBe(1);
    expect(stdout).toMatch(
      /! device 1 gets no jobs: XID 48: a double-bit ECC error.*\n {4}When it is well again: berth resume 1/,
    );
    expect(stdout).toMatch(/✗ others may read the token \(mode 0644\)/);
    expect(stdout).toMatch(/1 problem, \d+ warnings?\n$/);
  });

  it('asks PyTorch in the environment that a job would have', async () => {
    // The daemon itself inherited this from us.
    expect(process.env.VITEST).toBeDefined();
    const folder = mkdtempSync(join(tmpdir(), 'berth-doctor-e2e-'));
    const file = join(folder, 'python');
    writeFileSync(
      file,
      `#!/bin/sh\necho "sees $CUDA_VISIBLE_DEVICES, $CUDA_DEVICE_ORDER, \${VITEST-nothing else}" >&2\n`,
    );
    chmodSync(file, 0o755);
    expect(find(await report(`python=${file}`), 'pytorch')?.sentence).toBe(
      `${file} can't be asked for its PyTorch: sees 0,1, PCI_BUS_ID, nothing else`,
    );
    rmSync(folder, { recursive: true });
  });

  it('holds up nothing else meanwhile', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'berth-doctor-e2e-'));
    const file = join(folder, 'python');
    writeFileSync(file, `#!/bin/sh\nwhile [ -e ${file} ]; do sleep 0.05; done\n`);
    chmodSync(file, 0o755);
    let isDone = false;
    const slow = report(`python=${file}`).finally(() => {
      isDone = true;
    });
    expect(await daemon.devices()).toHaveLength(2);
    expect((await daemon.ended(await daemon.shell('echo hi'))).state).toBe('succeeded');
    expect(isDone).toBe(false);
    rmSync(folder, { recursive: true });
    expect(find(await slow, 'pytorch')).toMatchObject({ level: 'warning' });
  });

  it('wants the token', async () => {
    expect((await fetch(`${daemon.address}/v1/doctor?python=${PYTHON}`)).status).toBe(401);
  });

  it('does not run what is no python, and says so', async () => {
    expect(find(await report('python=/no/such'), 'pytorch')).toMatchObject({ level: 'warning' });
    expect((await daemon.request('/v1/doctor?python=python3')).status).toBe(422);
  });
});

it('without a daemon, says what one would find', () => {
  const { status, stdout } = berth('--data-dir', '/no/such/place', '--python', PYTHON, '--json');
  const seen = JSON.parse(stdout) as DoctorReport;
  expect(find(seen, 'daemon')).toMatchObject({
    level: 'warning',
    sentence: expect.stringContaining('no daemon runs') as string,
  });
  expect(find(seen, 'redis')).toMatchObject({ level: 'ok' });
  expect(find(seen, 'pytorch')).toMatchObject({ level: 'ok' });
  expect(find(seen, 'open-files')).toBeDefined();
  const hasDriver = find(seen, 'driver')?.level === 'ok';
  expect(status).toBe(hasDriver ? 0 : 1);
});
