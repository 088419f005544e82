import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Job } from '@berth/contract';
import { changeSimulation } from '@berth/cuda-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { eventually, TestDaemon } from '../support/daemon.js';

const PYTHON = '/usr/bin/python3';

let daemon: TestDaemon;
let folder: string;
let server: Server;
const told: { type: string; job: { number: number }; notice?: { sentence: string } }[] = [];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'berth-hangs-'));
  server = createServer((request, response) => {
    request.setEncoding('utf8').on('data', (body: string) => told.push(JSON.parse(body)));
    request.on('end', () => response.end());
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const config = join(folder, 'berth.yaml');
  writeFileSync(config, JSON.stringify({ notifications: { allow: ['127.0.0.0/8'] } }));
  daemon = await TestDaemon.start('6xH100-80GB', '--config', config);
  for (const device of [0, 1, 2, 3]) changeSimulation(simulation(), { device, utilisationPercent: 100 });
});
afterAll(async () => {
  await daemon.destroy();
  server.close();
  rmSync(folder, { recursive: true });
});

const simulation = () => join(daemon.dataDirectory, 'simulation.state');
const python = (program: string, more: object): Promise<Job> =>
  daemon.submit({ command: [PYTHON, '-c', program], workingDirectory: '/', ...more });
const noticed = (job: Job): Promise<Job> =>
  eventually(
    () => daemon.job(job),
    ({ notices }) => notices.length > 0,
  );

it('a job that stands still is told of with its stack, ended where it wants that, and tried again', async () => {
  const hook = { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, events: ['hanging'] };
  const program = `
import os, time
print("attempt", os.environ["BERTH_ATTEMPT"], os.environ.get("BERTH_RESTART_REASON"))
if os.environ["BERTH_ATTEMPT"] == "1":
    time.sleep(1000)`;
  const hanging = await python(program, {
    devices: '0',
    hang: { after: 3, action: 'kill' },
    retry: { limit: 1, on: ['hang'], backoff: 0 },
    notify: [hook],
  });
  const working = await daemon.shell('while sleep 0.5; do echo working; done', {
    devices: '1',
    hang: { after: 3, action: 'kill' },
  });
  const saving = await daemon.shell(`while sleep 0.5; do echo x >> ${folder}/checkpoint; done`, {
    devices: '2',
    hang: { after: 3, action: 'kill' },
    checkpointPath: join(folder, 'checkpoint'),
  });
  // Its device is neither busy nor idle.
  changeSimulation(simulation(), { device: 3, utilisationPercent: 40 });
  const quiet = await daemon.shell('sleep 1000', { devices: '3', hang: { after: 3, action: 'kill' } });

  const ended = await daemon.ended(hanging);
  expect(ended).toMatchObject({ state: 'succeeded', retries: 1, hang: { after: 3, action: 'kill' } });
  expect(ended.attempts[0]?.cause?.code).toBe('hang');
  expect(ended.attempts[0]?.cause?.sentence).toMatch(
    /^it seems to hang: no output, metrics or checkpoint for \ds, while its devices are at 100 %$/,
  );
  expect(ended.notices).toMatchObject([{ code: 'hang', attempt: 1, device: null }]);
  expect(ended.notices[0]?.detail).toMatch(/^process \d+ \(python3\)(?:, by (?:gdb|py-spy):\n| waits in )/);
  expect(await daemon.logs(hanging)).toContain('attempt 2 hang');
  await eventually(
    () => told.length,
    (count) => count > 0,
  );
  expect(told).toMatchObject([
    { type: 'job.hanging', job: { number: hanging.number }, notice: { code: 'hang' } },
  ]);

  for (const job of [working, saving, quiet]) {
    expect(await daemon.job(job)).toMatchObject({ state: 'running', notices: [] });
    await daemon.cancel(job);
  }
});

it('a rank that ended while another waits for it is found within seconds, long before the limit', async () => {
  changeSimulation(simulation(), { device: 3, utilisationPercent: 100 });
  const submitted = Date.now();
  const program = 'import os, time\nif os.environ["RANK"] == "0": time.sleep(1000)';
  const job = await python(program, { devices: '2,3', gpus: 2, launch: 'perDevice' });
  const { notices, state } = await noticed(job);
  expect(Date.now() - submitted).toBeLessThan(25_000);
  expect(notices[0]).toMatchObject({ code: 'hang' });
  expect(notices[0]?.sentence).toContain('rank 1 has ended, and the others may wait for it in vain');
  // Nobody asked for its end.
  expect(state).toBe('running');
  await daemon.cancel(job);
});

it('a rank that is killed while another waits for it in a collective of real PyTorch ends the job within seconds', async () => {
  const program = `
import os, signal, torch, torch.distributed as distributed
distributed.init_process_group("gloo")
print("ready", flush=True)
if distributed.get_rank() == 1:
    signal.pause()
distributed.all_reduce(torch.zeros(1))`;
  const job = await python(program, { devices: '4,5', gpus: 2, launch: 'perDevice' });
  const ready = (rank: number) =>
    eventually(
      () => daemon.logs(job, `rank=${rank}`),
      (log) => log.includes('ready'),
    );
  await Promise.all([ready(0), ready(1)]);
  const [attempt] = (await daemon.job(job)).attempts;
  process.kill(attempt?.tasks[1]?.pid as number, 'SIGKILL');
  const killedAt = Date.now();
  const ended = await daemon.ended(job);
  expect(Date.now() - killedAt).toBeLessThan(10_000);
  expect(ended).toMatchObject({ state: 'failed', cause: { code: 'signal', rank: 1, signal: 'SIGKILL' } });
});
