import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { dirname } from 'node:path';
import type { DeviceList, Job } from '@berth/contract';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestDaemon } from '../support/daemon.js';

const BERTH = new URL('../../apps/cli/bin/berth.js', import.meta.url).pathname;

let daemon: TestDaemon;
beforeAll(async () => {
  daemon = await TestDaemon.start('2xH100-80GB');
});
afterAll(() => daemon.destroy());

/** Runs berth as it is built, as somebody at a pipe would. It finds daemon and token by the data directory. */
async function berth(...argv: string[]): Promise<{ code: number; out: string; err: string }> {
  const env = { PATH: `${dirname(process.execPath)}:/usr/bin:/bin`, BERTH_DATA_DIR: daemon.dataDirectory };
  const child = spawn(process.execPath, [BERTH, ...argv], {
    env,
    cwd: '/tmp',
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let [out, err] = ['', ''];
  child.stdout.on('data', (data: Buffer) => {
    out += data;
  });
  child.stderr.on('data', (data: Buffer) => {
    err += data;
  });
  const [code] = (await once(child, 'close')) as [number];
  return { code, out, err };
}

describe('berth submit', () => {
  it('prints the bare id on a pipe, and the job runs where it was submitted', async () => {
    const { code, out } = await berth(
      'submit',
      '-D',
      '1',
      '--',
      'sh',
      '-c',
      'echo "$CUDA_VISIBLE_DEVICES $PWD"',
    );
    expect(code).toBe(0);
    expect(out).toMatch(/^job_\w{21}\n$/);
    expect(await daemon.logs({ id: out.trim() }, 'follow=true')).toBe('1 /tmp\n');
  });

  it('takes the command without -- too, flags of its own included', async () => {
    const { out } = await berth('submit', '--follow', 'printf', '%s-%s', '-n', 'x');
    expect(out).toContain('-n-x');
  });

  it.each([
    ['exit 7', 7],
    ['exit 0', 0],
    ['kill -TERM $$', 143],
  ])('--wait exits as the job that says %s did', async (script, code) => {
    expect((await berth('submit', '--wait', '--', 'sh', '-c', script)).code).toBe(code);
  });

  it('--follow shows the output as it comes', async () => {
    const { code, out } = await berth('submit', '--follow', '--', 'sh', '-c', 'echo one; echo two; exit 3');
    expect(code).toBe(3);
    expect(out).toContain('one\ntwo\n');
  });

  it('names every bad field, and exits with 2', async () => {
    const { code, out, err } = await berth('submit', '-D', '7', '-G', '9', '--', 'true');
    expect([code, out]).toEqual([2, '']);
    expect(err).toMatch(/devices.*there is no device 7/s);
    expect(err).toMatch(/gpus.*9/s);
  });
});

describe('what berth shows', () => {
  it('is the queue, a job, its log and the devices', async () => {
    const job = await daemon.shell('echo here; exec sleep 60', { devices: '0', name: 'train' });
    const waiting = await daemon.shell('true', { devices: '0' });
    await daemon.until(job, 'running');
    const list = await berth();
    expect(list.out).toMatch(new RegExp(`^\\s*${job.number}\\s+train\\s+\\S+\\s+running`, 'm'));
    expect(list.out).toMatch(new RegExp(`^\\s*${waiting.number}\\s.*pending`, 'm'));
    expect((await berth('show', String(job.number))).out).toContain(job.id);
    expect((await berth('show', 'last')).out).toContain(waiting.id);
    expect((await berth('show', '@~1')).out).toContain(job.id);
    expect((await berth('logs', String(job.number))).out).toBe('here\n');
    expect((await berth('devices')).out).toMatch(/\[0\] NVIDIA H100 80GB HBM3.*train/);
    expect(JSON.parse((await berth('devices', '--json')).out) as DeviceList).toMatchObject({
      driver: { simulated: true },
    });
    const shown = JSON.parse((await berth('show', '--json', String(job.number))).out) as Job;
    expect(shown).toEqual(await daemon.job(job));
    expect((await berth('cancel', String(waiting.number), String(job.number))).code).toBe(0);
    expect((await daemon.ended(job)).state).toBe('cancelled');
  });

  it.each([
    [['show', '999999'], 3, /no job 999999/],
    [['sumbit', 'x'], 2, /submit/],
    [['submit', '--gpu', '2', '--', 'true'], 2, /--gpu/],
    [['ls', '--url', 'http://127.0.0.1:1'], 5, /berthd/],
    [['ls', '--token', 'wrong'], 4, /token/],
  ])('%j is an error of one line, with a code that says which', async (argv, code, message) => {
    const result = await berth(...argv);
    expect([result.code, result.out]).toEqual([code, '']);
    expect(result.err).toMatch(message);
    expect(result.err).toMatch(/^berth/);
  });
});
