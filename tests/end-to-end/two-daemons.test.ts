import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Device } from '@berth/contract';
import { createSimulation } from '@berth/cuda-core';
import { isLocked } from '@berth/task-shim';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { eventually, isAlive, TestDaemon } from '../support/daemon.js';

/** Where both find the same devices, as two daemons of one host do. */
const root = mkdtempSync(join(tmpdir(), 'berth-host-'));
const simulation = createSimulation('1xT4', join(root, 'devices.state'));
const environment = { ...simulation.environment, LD_LIBRARY_PATH: simulation.libraryDirectory };
const first = new TestDaemon(null, [], environment);
const second = new TestDaemon(null, [], environment);

beforeAll(() => first.start());
afterAll(async () => {
  await first.destroy();
  await second.destroy();
  rmSync(root, { recursive: true });
});

it('of two daemons on the same devices the second one refuses, as long as anything of the first one lives', async () => {
  const refusal = new RegExp(
    `device 0 .* is used by the Berth of ${first.dataDirectory} .*give each its own`,
  );
  const job = await first.shell('sleep 300');
  await first.until(job, 'running');
  await expect(second.start()).rejects.toThrow(refusal);
  expect(second.processes()).toEqual([]);

  const [device] = (await first.devices()) as [Device];
  const worker = first.workerOf(device);
  const pid = (await first.job(job)).attempts[0]?.tasks[0]?.pid as number;
  await first.kill();
  process.kill(worker, 'SIGKILL');
  await expect(second.start()).rejects.toThrow(refusal);

  process.kill(pid, 'SIGKILL');
  // Its shim holds the task's lock for a moment longer than it lives.
  const lock = join(first.dataDirectory, 'jobs', `${job.id}.1.0`, 'lock');
  await eventually(
    () => isLocked(lock) || isAlive(worker),
    (lives) => !lives,
  );
  await second.start();
  const other = await second.shell('true');
  expect((await second.ended(other)).state).toBe('succeeded');
});
