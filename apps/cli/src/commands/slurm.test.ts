import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { job } from '../../../../tests/support/sample-job.js';
import { nodeState, slurmState, slurmTime } from '../slurm/words.js';
import { berth, device, driver, problem, Status, StubDaemon } from '../stub-daemon.test-support.js';

let daemon: StubDaemon;
let directory: string;
beforeAll(async () => {
  daemon = await StubDaemon.start();
  directory = mkdtempSync(join(tmpdir(), 'berth-alias-'));
});
beforeEach(() => {
  daemon.seen.length = 0;
  daemon.routes = { 'POST /v1/jobs': new Status(201, job({ number: 42 })) };
});
afterAll(async () => {
  await daemon.stop();
  rmSync(directory, { recursive: true });
});

const slurm = (...argv: string[]) =>
  berth(daemon, ['slurm', ...argv], {
    directory,
    environment: { BERTH_URL: daemon.url, PATH: '/bin' },
  });
const sent = () => JSON.parse(daemon.seen[0]?.body ?? 'null');

describe('sbatch', () => {
  it('submits a script by its options, and says so as everybody parses it', async () => {
    writeFileSync(join(directory, 'job.sh'), '#!/bin/bash\n#SBATCH -J head -t 10\necho hi\n');
    const { code, stdout } = await slurm('sbatch', '-J', 'line', '--gres=gpu:2', 'job.sh');
    expect({ code, stdout }).toEqual({ code: 0, stdout: 'Submitted batch job 42\n' });
    expect(sent()).toMatchObject({ name: 'line', gpus: 2, timeLimit: '600s' });
    expect((await slurm('sbatch', '--parsable', '--wrap', 'true')).stdout).toBe('42\n');
  });

  it('hands arguments on, also those that look like options', async () => {
    await slurm('sbatch', 'job.sh', '--lr', '0.1', '-J', 'x');
    const command = ['/bin/bash', join(directory, 'job.sh'), '--lr', '0.1', '-J', 'x'];
    expect(sent()).toMatchObject({ command, name: 'head' });
  });

  it('refuses what sbatch does not know either, and tells what means nothing here', async () => {
    expect(await slurm('sbatch', '--gress=gpu:2', 'job.sh')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("unrecognized option '--gress'"),
    });
    expect((await slurm('sbatch', '--mem=4G', 'job.sh')).stderr).toMatch(/--mem means nothing here/);
  });
});

describe('squeue', () => {
  beforeEach(() => {
    const pending = job({ number: 7, reason: { code: 'resources', sentence: 'none is free' } });
    const running = job({ id: 'job_2', number: 6, name: 'a-very-long-name', user: 'bob', state: 'running' });
    daemon.routes['GET /v1/me'] = { name: 'ada' };
    daemon.routes['GET /v1/jobs'] = ({ query }: { query: URLSearchParams }) => ({
      items: [pending, running].filter(({ state }) => state === query.get('state')),
      nextCursor: null,
    });
  });

  it('prints the columns and widths that scripts cut', async () => {
    expect((await slurm('squeue')).stdout).toBe(
      '             JOBID PARTITION     NAME     USER ST       TIME  NODES NODELIST(REASON)\n' +
        '                 6       gpu a-very-l      bob  R       0:00      1 \n' +
        '                 7       gpu    train      ada PD       0:00      1 (Resources)\n',
    );
  });

  it('chooses by user, state and name', async () => {
    const numbers = async (...argv: string[]) =>
      (await slurm('squeue', '-h', ...argv)).stdout.split('\n').map((line) => line.trim().split(' ')[0]);
    expect(await numbers('--me')).toEqual(['7', '']);
    expect(await numbers('-u', 'bob,eve')).toEqual(['6', '']);
    expect(await numbers('-n', 'train')).toEqual(['7', '']);
    expect((await slurm('squeue', '--steps')).code).toBe(2);
  });

  it.each([
    [5, '0:05'],
    [65, '1:05'],
    [3605, '1:00:05'],
    [90_065, '1-01:01:05'],
  ])('writes %i seconds as %s', (seconds, text) => {
    expect(slurmTime(seconds)).toBe(text);
  });

  it('tells timeouts and lack of memory from other failures', () => {
    const cause = { sentence: '', rank: null, exitCode: null, signal: null };
    const failed = (code: 'time_limit' | 'out_of_memory' | 'exit_code') =>
      slurmState({ state: 'failed', cause: { ...cause, code } as never });
    expect(['time_limit', 'out_of_memory', 'exit_code'].map((code) => failed(code as 'exit_code'))).toEqual([
      'TO',
      'OOM',
      'F',
    ]);
  });
});

describe('scancel', () => {
  it('cancels by number and by user, silently, and says what it cannot', async () => {
    daemon.routes['GET /v1/jobs'] = ({ query }: { query: URLSearchParams }) => ({
      items:
        query.get('state') === 'pending'
          ? [job({ number: 7 }), job({ id: 'j', number: 8, user: 'bob' })]
          : [],
      nextCursor: null,
    });
    daemon.routes['GET /v1/me'] = { name: 'ada' };
    daemon.routes['GET /v1/jobs/7'] = job({ number: 7 });
    daemon.routes['GET /v1/jobs/9'] = job({ number: 9 });
    daemon.routes['POST /v1/jobs/7/cancel'] = job({ number: 7 });
    daemon.routes['POST /v1/jobs/9/cancel'] = problem('conflict', 409, 'Job 9 has ended');
    expect(await slurm('scancel', '--me')).toEqual({ code: 0, stdout: '', stderr: '' });
    expect(daemon.seen.filter(({ call }) => call.startsWith('POST')).map(({ call }) => call)).toEqual([
      'POST /v1/jobs/7/cancel',
    ]);
    expect(await slurm('scancel', '9', '7')).toMatchObject({
      code: 4,
      stderr: expect.stringContaining('job id 9'),
    });
    expect((await slurm('scancel')).code).toBe(2);
  });
});

it('what Slurm would refuse is refused by the name that was typed', async () => {
  writeFileSync(join(directory, 'train.py'), 'import torch\n');
  expect(await slurm('sbatch', 'train.py')).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('does not look like a batch script'),
  });
  expect((await slurm('squeue', '-o', '%T')).stderr).toContain('see berth slurm squeue --help');
  expect(daemon.seen).toEqual([]);
});

it('an array is waited for as a whole, by its number to sbatch, by its group to berth; a job as itself', async () => {
  const task = (index: number) =>
    job({ id: `job_${index}`, group: { id: 'grp_1', index, parameters: { berth_array_task: index } } });
  daemon.routes['GET /v1/jobs/40'] = task(0);
  daemon.routes['GET /v1/jobs/41'] = task(1);
  daemon.routes['GET /v1/jobs'] = ({ query }: { query: URLSearchParams }) =>
    query.get('group') === 'grp_1' ? { items: [task(1), task(0)], nextCursor: null } : null;
  const after = async (...argv: string[]): Promise<unknown> => {
    await slurm('sbatch', ...argv, '--wrap', 'true');
    return JSON.parse(daemon.seen.at(-1)?.body ?? '{}').after;
  };
  expect(await after('-d', 'afterany:40')).toEqual([
    { job: 'job_1', on: 'ended' },
    { job: 'job_0', on: 'ended' },
  ]);
  expect(await after('-d', 'afterok:41')).toEqual(['41']);
  await berth(daemon, ['submit', '-a', 'grp_1', 'true']);
  expect(JSON.parse(daemon.seen.at(-1)?.body ?? '{}').after).toEqual(['job_1', 'job_0']);
});

it('scancel takes the number that sbatch has printed for an array as all of it, and another as that task', async () => {
  const task = (index: number) =>
    job({ group: { id: 'grp_1', index, parameters: { berth_array_task: index } } });
  daemon.routes['GET /v1/jobs/40'] = task(0);
  daemon.routes['GET /v1/jobs/41'] = task(1);
  daemon.routes['GET /v1/jobs/50'] = job({ group: { id: 'grp_2', index: 0, parameters: { lr: 0.1 } } });
  for (const call of ['groups/grp_1', 'jobs/41', 'jobs/50']) daemon.routes[`POST /v1/${call}/cancel`] = {};
  expect(await slurm('scancel', '40', '41', '50')).toEqual({ code: 0, stdout: '', stderr: '' });
  expect(daemon.seen.filter(({ call }) => call.startsWith('POST')).map(({ call }) => call)).toEqual([
    'POST /v1/groups/grp_1/cancel',
    'POST /v1/jobs/41/cancel',
    'POST /v1/jobs/50/cancel',
  ]);
});

describe('sinfo', () => {
  it('says how much of the host is held', async () => {
    daemon.routes['GET /v1/devices'] = { items: [device(), device({ index: 1, holders: [] })], driver };
    expect((await slurm('sinfo')).stdout).toBe(
      'PARTITION AVAIL  TIMELIMIT  NODES  STATE NODELIST\ngpu*         up   infinite      1    mix box\n',
    );
    const drained = { code: 'drained', sentence: '', since: '', endsBy: 'resume' } as const;
    expect(nodeState([device({ obstacles: [drained] })])).toBe('drng');
    expect(nodeState([device({ obstacles: [drained], holders: [] })])).toBe('drain');
    expect(nodeState([device()])).toBe('alloc');
  });
});

describe('berth alias', () => {
  const alias = (...argv: string[]) =>
    berth(daemon, ['alias', ...argv], { directory, environment: { PATH: '/bin' } });

  it('puts the names into a folder, again as often as one likes, and takes them away', async () => {
    for (const _ of [1, 2]) expect((await alias('install', 'bin')).code).toBe(0);
    const folder = join(directory, 'bin');
    expect(readdirSync(folder).sort()).toEqual(['sbatch', 'scancel', 'sinfo', 'squeue']);
    expect(readFileSync(join(folder, 'squeue'), 'utf8')).toMatch(/exec .*berth.js slurm squeue "\$@"/);
    await alias('remove', 'bin');
    expect(readdirSync(folder)).toEqual([]);
  });

  it('leaves alone what is not its own', async () => {
    writeFileSync(join(directory, 'sbatch'), '#!/bin/sh\necho the real one\n');
    expect(await alias('install', '.')).toMatchObject({
      code: 4,
      stderr: expect.stringContaining("isn't ours"),
    });
    expect(existsSync(join(directory, 'squeue'))).toBe(false);
    await alias('remove', '.');
    expect(existsSync(join(directory, 'sbatch'))).toBe(true);
    const onPath = await berth(daemon, ['alias', 'install', 'other'], {
      directory,
      environment: { PATH: directory },
    });
    expect(onPath).toMatchObject({ code: 4, stderr: expect.stringContaining('--force') });
    rmSync(join(directory, 'sbatch'));
  });
});
