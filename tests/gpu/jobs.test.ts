import type { Device, Job, JobMetrics } from '@berth/contract';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { eventually, TestDaemon } from '../support/daemon.js';
import { hasSmi, smiProcesses } from './nvidia-smi.js';
import { findPyTorch, nameOf } from './pytorch.js';
import { code, mebibytes, report, tableOf } from './report.js';

const GIB = 2 ** 30;
const EXAMPLES = new URL('../../examples/', import.meta.url).pathname;
/** What CUDA takes for a process beside what that asks for: its context, with kernels and cuBLAS. */
const MOST_OVERHEAD_BYTES = 2 * GIB;
const SMI_TOLERANCE_BYTES = 64 * 2 ** 20;
/** More than any device has. */
const TOO_MUCH_GIB = '100000';

const pytorch = findPyTorch();
const python = pytorch?.python ?? '/usr/bin/python3';

/** Holds two GiB as a tensor and computes with the rest of the time, as training does. */
const TRAINING = `
import time, torch
held = torch.ones(2 * 2**30, dtype=torch.uint8, device="cuda:0")
a = torch.randn(4096, 4096, device="cuda:0")
end = time.time() + 60
print("computing on", torch.cuda.get_device_name(0), "of", torch.cuda.device_count(), flush=True)
while time.time() < end:
    for _ in range(20): a = torch.tanh(a @ a)
    torch.cuda.synchronize()
`;

let daemon: TestDaemon;
beforeAll(async () => {
  daemon = await TestDaemon.start(null);
});
afterAll(() => daemon.destroy());
afterEach(({ task }) => {
  if (task.result?.state === 'fail') console.error(`the daemon said:\n${daemon.output.slice(-4000)}`);
});

const get = async <T>(path: string): Promise<T> => (await (await daemon.request(path)).json()) as T;
const device = (uuid: string): Promise<Device> => get(`/v1/devices/${uuid}`);

describe('the daemon', () => {
  it('shows the devices that are here, and takes jobs for each', async () => {
    const devices = await daemon.devices();
    expect(devices.length).toBeGreaterThan(0);
    report(
      'Devices, as the daemon shows them',
      tableOf(
        ['index', "CUDA's own index", 'name', 'health', 'what keeps jobs away'],
        devices.map(({ index, cudaIndex, name, health, obstacles }) => [
          index,
          cudaIndex ?? 'unknown',
          name,
          health.sentence ?? health.state,
          obstacles.map(({ sentence }) => sentence).join('; ') || 'nothing',
        ]),
      ),
    );
    for (const { health } of devices) expect(health.state).toBe('ok');
    const jobs = await Promise.all(devices.map(({ uuid }) => daemon.shell('true', { devices: uuid })));
    for (const job of jobs) expect((await daemon.ended(job)).state).toBe('succeeded');
  });
});

/** A job on the first device that has nothing on it, watched while it runs, until it was seen with these figures. */
async function watch(command: string[], leastBytes: number, leastUtilisation: number): Promise<string> {
  const [free] = (await daemon.devices()).filter(({ obstacles }) => obstacles.length === 0);
  if (!free) throw new Error('every device has something that keeps jobs away');
  const before = free.sample?.memoryUsedBytes;
  const job = await daemon.submit({ command, workingDirectory: '/', devices: free.uuid });
  try {
    const owned = await owning(free.uuid, job, leastBytes);
    const { sample } = owned;
    const { process, smi } = await besideSmi(free.uuid, job);
    const running = await daemon.job(job);
    const pointsOf = ({ devices }: JobMetrics) => devices[0]?.points ?? [];
    const most = (metrics: JobMetrics, figure: 'utilisation' | 'powerWatts'): number =>
      Math.max(...pointsOf(metrics).map((point) => point[figure] ?? -1));
    const metrics = await eventually(
      () => get<JobMetrics>(`/v1/jobs/${job.id}/metrics?since=1m`),
      (each) =>
        pointsOf(each).length >= 3 &&
        (each.devices[0]?.peakMemoryBytes ?? 0) >= leastBytes &&
        // Nobody tells it of a MIG instance.
        (free.mig !== null || most(each, 'utilisation') >= leastUtilisation),
    );

    expect(sample?.jobBytes).toBeLessThan(leastBytes + MOST_OVERHEAD_BYTES);
    expect(process).toMatchObject({ job: job.id, number: job.number });
    expect(running).toMatchObject({ state: 'running', deviceUse: [{ device: free.uuid }] });
    expect(running.deviceUse?.[0]?.jobBytes).toBeGreaterThanOrEqual(leastBytes);
    expect(owned.obstacles).toEqual([]);
    await daemon.cancel(job);
    await daemon.ended(job);
    const ended = Date.now();
    await eventually(
      () => device(free.uuid),
      (each) => each.sample?.processes?.every(({ pid }) => pid !== process?.pid) ?? false,
    );
    return tableOf(
      ['figure', 'value'],
      [
        ['device', `${free.name} ${free.uuid}`],
        ['used before', mebibytes(before)],
        ['asked for', mebibytes(leastBytes)],
        ['the job has (/v1/devices)', mebibytes(sample?.jobBytes)],
        ['the job has (/v1/jobs)', mebibytes(running.deviceUse?.[0]?.jobBytes)],
        ['its process has', mebibytes(process?.memoryBytes)],
        ['its process, to nvidia-smi', smi ? `${smi.mebibytes} MiB` : 'not found, or no nvidia-smi'],
        ['belongs to no job', mebibytes(sample?.foreignBytes)],
        ['most that was seen (metrics)', mebibytes(metrics.devices[0]?.peakMemoryBytes)],
        ['highest utilisation (metrics)', shown(most(metrics, 'utilisation'))],
        ['highest power (metrics)', shown(most(metrics, 'powerWatts'), ' W')],
        ['gone from the device after its end in', `${Date.now() - ended} ms`],
      ],
    );
  } finally {
    await daemon.cancel(job);
    await daemon.ended(job);
  }
}

/** Waits until a job is seen with this much memory; says what it printed where it ends before. */
async function owning(uuid: string, job: Job, leastBytes: number): Promise<Device> {
  await eventually(
    async () => [await device(uuid), await daemon.job(job)] as const,
    ([{ sample }, { endedAt }]) => endedAt !== null || (sample?.jobBytes ?? 0) >= leastBytes,
  );
  if ((await daemon.job(job)).endedAt) throw new Error(`the job has ended:\n${await daemon.logs(job)}`);
  return device(uuid);
}

const shown = (figure: number, unit = ''): string => (figure < 0 ? 'not told' : `${figure}${unit}`);

/** The job's process, and the same to nvidia-smi: waited for until they agree, for it may still be taking memory. */
async function besideSmi(uuid: string, job: Job) {
  const look = async () => {
    const { sample } = await device(uuid);
    const process = sample?.processes?.find(({ job: owner }) => owner === job.id);
    const smi = hasSmi() ? smiProcesses().find(({ pid }) => pid === process?.pid) : undefined;
    return { process, smi };
  };
  return eventually(look, ({ process, smi }) => {
    if (!smi?.mebibytes) return process !== undefined;
    const difference = Math.abs(smi.mebibytes * 2 ** 20 - (process?.memoryBytes ?? 0));
    return difference <= SMI_TOLERANCE_BYTES;
  });
}

describe("a job's memory is seen as its own, while it runs and afterwards", () => {
  it('where it asks the CUDA driver itself', async () => {
    const figures = await watch([python, `${EXAMPLES}hold_memory.py`, '2', '60'], 2 * GIB, 0);
    report('A job that takes 2 GiB from the CUDA driver', figures);
  });

  it('where PyTorch computes', async (test) => {
    if (!pytorch?.cuda) {
      report('A PyTorch job that computes', `Not run: ${nameOf(pytorch)}.`);
      return test.skip(nameOf(pytorch));
    }
    const figures = await watch([python, '-c', TRAINING], 2 * GIB, 0.5);
    report('A PyTorch job that computes', nameOf(pytorch), figures);
  });
});

describe('a job that asks for more memory than there is', () => {
  it.each([
    ['of the CUDA driver', ['hold_memory.py', TOO_MUCH_GIB, '60'], /out of memory/],
    ['of PyTorch', ['oom.py', '--gibibytes', TOO_MUCH_GIB], /CUDA out of memory|can't allocate memory/],
  ])('%s fails, says so, and leaves the device free', async (whom, [script, ...argv], words) => {
    const command = [python, `${EXAMPLES}${script}`, ...argv];
    const job = await daemon.submit({ command, workingDirectory: '/' });
    const ended = await daemon.ended(job);
    const output = await daemon.logs(job);
    report(
      `Out of memory ${whom}`,
      `${ended.state}, cause ${ended.cause?.code} ${ended.cause?.exitCode}, last line ${code(output.trim().split('\n').at(-1))}.`,
    );
    expect(ended).toMatchObject({ state: 'failed', cause: { code: 'exit_code', exitCode: 1 } });
    expect(output).toMatch(words);
    await eventually(
      () => daemon.devices(),
      (devices) => devices.every(({ sample, obstacles }) => sample?.jobBytes === 0 && obstacles.length === 0),
    );
  });
});
