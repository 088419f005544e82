import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Attempt, Device, JobState, Restart } from '@berth/contract';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { job } from '../../../tests/support/sample-job.js';
import { berth, device, driver, problem, Status, StubDaemon } from './stub-daemon.test-support.js';

// A new one each time: what a command that was left has sent may come after its end.
let daemon: StubDaemon;
beforeEach(async () => {
  daemon = await StubDaemon.start();
});
afterEach(() => daemon.stop());

const attempt: Attempt = {
  number: 1,
  node: 'box',
  devices: [{ uuid: 'GPU-1', index: 1 }],
  placedAt: '2026-11-21T02:00:01Z',
  startedAt: '2026-11-21T02:00:01Z',
  endedAt: '2026-11-21T02:00:05Z',
  stoppingAt: null,
  cause: null,
  checkpoint: null,
  tasks: [
    {
      rank: 0,
      devices: ['GPU-1'],
      state: 'ended',
      pid: 77,
      startedAt: '2026-11-21T02:00:01Z',
      endedAt: '2026-11-21T02:00:05Z',
      exitCode: 7,
      signal: null,
      memoryPeakBytes: null,
      maxResidentBytes: 1_572_864,
      cpuSeconds: null,
    },
  ],
};
const succeeded = job({
  state: 'succeeded',
  startedAt: '2026-11-21T02:00:01Z',
  endedAt: '2026-11-21T02:00:05Z',
  attempts: [attempt],
});
const failed = job({
  ...succeeded,
  state: 'failed',
  cause: { code: 'exit_code', sentence: 'rank 0 exited with code 7', rank: 0, exitCode: 7, signal: null },
});
const path = `/v1/jobs/${job().id}`;

describe('berth submit', () => {
  const sent = () => JSON.parse(daemon.seen[0]?.body ?? 'null');

  it('takes a command with flags of its own, with -- and without', async () => {
    daemon.routes['POST /v1/jobs'] = new Status(201, job());
    await berth(daemon, [
      'submit',
      '-G',
      '2',
      '-D',
      '1,0',
      'python',
      'train.py',
      '--lr',
      '0.1',
      '-G',
      '4',
      '--json',
    ]);
    expect(sent()).toMatchObject({
      gpus: 2,
      devices: '1,0',
      command: ['python', 'train.py', '--lr', '0.1', '-G', '4', '--json'],
    });
    daemon.seen.length = 0;
    await berth(daemon, ['submit', '--priority', '-5', '-e', 'A=1', '-e', 'B=2', '--', '-odd', '--', 'x']);
    expect(sent()).toMatchObject({
      priority: -5,
      environment: { A: '1', B: '2' },
      command: ['-odd', '--', 'x'],
    });
  });

  it('prints the bare id to a program, and what to do next to people', async () => {
    const reason = { code: 'resources' as const, sentence: 'needs 1 free device; none is free' };
    daemon.routes['POST /v1/jobs'] = new Status(201, job({ reason }));
    expect(await berth(daemon, ['submit', 'true'])).toEqual({ code: 0, stdout: `${job().id}\n`, stderr: '' });
    const { stdout } = await berth(daemon, ['submit', 'true'], { terminal: true });
    expect(stdout).toContain(`job 12 (${job().id}) submitted: pending: needs 1 free device`);
    expect(stdout).toContain('berth logs -f 12');
    expect(stdout).toContain('berth cancel 12');
  });

  it('with --follow passes the output on and exits as the job did', async () => {
    daemon.routes['POST /v1/jobs'] = new Status(201, job());
    daemon.routes[`GET ${path}/logs`] = 'Epoch 1\n';
    daemon.routes[`GET ${path}`] = failed;
    const { code, stdout, stderr } = await berth(daemon, ['submit', '--follow', 'true']);
    expect({ code, stdout }).toEqual({ code: 7, stdout: 'Epoch 1\n' });
    expect(stderr).toContain('job 12 failed after 4s: rank 0 exited with code 7');
  });

  it('left by Ctrl-C says that the job goes on, and how to come back', async () => {
    daemon.routes['POST /v1/jobs'] = new Status(201, job());
    daemon.routes[`GET ${path}`] = job({ state: 'running' });
    const { code, stderr } = await berth(daemon, ['submit', '--wait', 'true'], {
      onInterrupt: (handler) => {
        const timer = setTimeout(handler, 100);
        return () => clearTimeout(timer);
      },
    });
    expect(code).toBe(130);
    expect(stderr).toContain('job 12 goes on; come back with berth logs -f 12, end it with berth cancel 12');
  });

  it('reads a script from stdin', async () => {
    daemon.routes['POST /v1/jobs'] = new Status(201, job());
    const stdin = (async function* () {
      yield '#!/bin/sh\n';
      yield 'echo hi\n';
    })();
    await berth(daemon, ['submit', '--script', '-'], { stdin });
    expect(sent()).toMatchObject({ script: '#!/bin/sh\necho hi\n' });
    expect(sent().command).toBeUndefined();
  });

  it('refuses what it does not know, by name and with what to do instead', async () => {
    const refused = async (...argv: string[]) => {
      const { code, stderr } = await berth(daemon, ['submit', ...argv]);
      expect(code).toBe(2);
      expect(stderr.trimEnd().split('\n')).toHaveLength(1);
      return stderr;
    };
    expect(await refused('--gres=gpu:2', 'python', 'x')).toContain(
      'submit has no --gres; for --gres=gpu:2 write -G 2',
    );
    expect(await refused('--gpu', '2', 'x')).toContain('Did you mean --gpus?');
    expect(await refused('-G', 'two', 'x')).toContain("argument 'two' is invalid");
    expect(await refused('--launch', 'mpi', 'x')).toContain('single, perDevice');
    expect(await refused('squeue')).toContain('looks like a verb');
    expect(await refused()).toContain('nothing to run');
    expect(daemon.seen).toEqual([]);
  });

  it('shows every bad field with the flag that it came from', async () => {
    daemon.routes['POST /v1/jobs'] = problem('invalid_request', 422, 'all of it', [
      { pointer: '#/gpus', detail: 'asks for 9 devices' },
      { pointer: '#/environment/CUDA_VISIBLE_DEVICES', detail: 'is set by Berth' },
    ]);
    const { code, stdout, stderr } = await berth(daemon, ['submit', '-G', '9', 'x']);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain('  #/gpus (--gpus): asks for 9 devices\n');
    expect(stderr).toContain('  #/environment/CUDA_VISIBLE_DEVICES (--env): is set by Berth\n');
  });
});

describe('berth ls', () => {
  const queue: Partial<Record<JobState, ReturnType<typeof job>[]>> = {
    pending: [
      job({ id: 'job_b', number: 9, position: 2, devices: '0' }),
      job({ id: 'job_a', number: 10, position: 1 }),
      job({ id: 'job_c', number: 3, position: 3 }),
    ],
    running: [job({ id: 'job_c', number: 3, state: 'running', startedAt: new Date().toISOString() })],
  };
  beforeEach(() => {
    daemon.routes['GET /v1/jobs'] = ({ query }: { query: URLSearchParams }) => ({
      items: query.has('state') ? (queue[query.get('state') as JobState] ?? []) : [succeeded],
      nextCursor: null,
    });
  });

  it('is what berth does alone: what runs, then what waits in its order, each once', async () => {
    const { code, stdout } = await berth(daemon, []);
    expect(code).toBe(0);
    expect(stdout.split('\n').map((line) => line.trim().split(/ +/)[0])).toEqual([
      'NUMBER',
      '3',
      '10',
      '9',
      '',
    ]);
    expect(stdout).toContain('(0)');
  });

  it('gives programs the shape of the API, flags before the verb or behind it', async () => {
    for (const argv of [['--json'], ['ls', '--json'], ['--json', 'ps']]) {
      const list = JSON.parse((await berth(daemon, argv)).stdout);
      expect(list.items).toHaveLength(3);
      expect(list.nextCursor).toBeNull();
    }
  });

  it('-a shows what has ended, too', async () => {
    expect((await berth(daemon, ['ls', '-a'])).stdout).toMatch(/12 +train +ada +succeeded +1 +1 +4s\n/);
  });

  it('is filtered by the daemon, as the API filters', async () => {
    const asked: string[] = [];
    daemon.routes['GET /v1/jobs'] = ({ query }: { query: URLSearchParams }) => {
      asked.push(query.toString());
      return { items: [], nextCursor: null };
    };
    const filters = ['-u', 'ada', '--name', 'train', '--label', 'a=b', '--label', 'c', '--device', '0'];
    const { code, stderr } = await berth(daemon, ['ls', ...filters]);
    expect([code, stderr]).toEqual([0, 'no such job waits or runs; berth ls -a shows all\n']);
    const sent = 'user=ada&name=train&label=a%3Db&label=c&device=0';
    expect(asked).toEqual(
      ['pending', 'starting', 'running', 'stopping'].map((state) => `${sent}&state=${state}&limit=100`),
    );
    asked.length = 0;
    await berth(daemon, ['ls', '--state', 'failed,cancelled', '--state', 'running', '--since', '1d']);
    await berth(daemon, ['ls', '--until', '2d', '-n', '5']);
    await berth(daemon, ['slurm', 'squeue', '-u', 'ada', '-t', 'all']);
    expect(asked).toEqual([
      'state=failed&state=cancelled&state=running&since=1d&limit=100',
      'until=2d&limit=6',
      'user=ada&limit=100',
    ]);
    const odd = await berth(daemon, ['ls', '--state', 'failed,dead']);
    expect([odd.code, odd.stderr]).toEqual([2, expect.stringContaining("'dead' is no state")]);
  });

  it('shows what runs while the daemon knows no more, and gives programs no such part for the whole', async () => {
    const refused = problem('ledger_unavailable', 503, 'Redis has not answered for 4 s');
    let active = [job({ state: 'running' })];
    daemon.routes['GET /v1/jobs'] = ({ query }: { query: URLSearchParams }) => {
      const state = query.get('state');
      return state === 'pending' ? refused : { items: state === 'running' ? active : [], nextCursor: null };
    };
    const { code, stdout, stderr } = await berth(daemon, ['ls']);
    expect([code, stderr]).toEqual([0, 'berth: only what runs is shown: Redis has not answered for 4 s\n']);
    expect(stdout).toMatch(/12 +train +ada +running/);
    active = [];
    expect((await berth(daemon, ['ls'])).stderr).toMatch(/\nno job is starting or running or stopping\n$/);
    expect(await berth(daemon, ['ls', '--json'])).toMatchObject({ code: 5, stdout: '' });
  });

  it('says that there is nothing without giving programs a line to skip', async () => {
    const { stdout, stderr } = await berth(daemon, ['ls', '--state', 'stopping']);
    expect(stdout).toBe('');
    expect(stderr).toContain('no job is stopping');
  });
});

describe('a job', () => {
  it('is named by number, id or last', async () => {
    daemon.routes['GET /v1/jobs'] = { items: [job()], nextCursor: null };
    daemon.routes['GET /v1/me'] = { name: 'ada' };
    daemon.routes['GET /v1/jobs/12'] = job();
    daemon.routes[`GET ${path}`] = job();
    for (const word of ['12', job().id, 'last', '@']) {
      expect((await berth(daemon, ['show', word])).stdout).toContain('job 12  train');
    }
    const { code, stderr } = await berth(daemon, ['show', 'train']);
    expect({ code, stderr }).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("'train' names no job"),
    });
    expect((await berth(daemon, ['show', '99'])).code).toBe(3);
  });

  it('is shown with its attempts, tasks and sentences', async () => {
    const command = ['sh', '-c', "echo 'hi'"];
    daemon.routes['GET /v1/jobs/12'] = job({
      ...failed,
      command,
      environment: { A: '1', B: '2' },
    });
    const { stdout } = await berth(daemon, ['show', '12']);
    expect(stdout).toContain('rank 0 exited with code 7 (exit_code)');
    expect(stdout).toContain(`sh -c 'echo '\\''hi'\\'''`);
    expect(stdout).toMatch(/\n +B=2\n/);
    expect(stdout).toMatch(/0 +ended +1 +77 +7 +4s +– +1\.5 MiB/);
  });
});

describe('berth cancel', () => {
  it('goes on behind one that it cannot cancel, and exits as that one says', async () => {
    daemon.routes['POST /v1/jobs/1/cancel'] = problem('conflict', 409, 'Job 1 has succeeded already');
    daemon.routes['POST /v1/jobs/2/cancel'] = new Status(202, job({ number: 2, state: 'stopping' }));
    const { code, stdout, stderr } = await berth(daemon, ['kill', '1', '2']);
    expect(code).toBe(4);
    expect(stderr).toContain('Job 1 has succeeded already');
    expect(stdout).toContain('job 2 is stopping: SIGTERM now, SIGKILL in 30s');
  });
});

describe('berth wait', () => {
  it('exits as the first job that failed', async () => {
    daemon.routes['GET /v1/jobs/1'] = succeeded;
    daemon.routes['GET /v1/jobs/2'] = failed;
    daemon.routes[`GET ${path}`] = failed;
    expect((await berth(daemon, ['wait', '1', '2'])).code).toBe(7);
  });

  it('gives up with 124', async () => {
    daemon.routes['GET /v1/jobs/1'] = job({ state: 'running' });
    daemon.routes[`GET ${path}`] = job({ state: 'running' });
    const { code, stderr } = await berth(daemon, ['wait', '1', '--timeout', '0.1s']);
    expect(code).toBe(124);
    expect(stderr).toContain('waited 0.1s');
    expect((await berth(daemon, ['wait', '1', '--timeout', 'soon'])).code).toBe(2);
  });
});

describe('berth devices', () => {
  it('says what it knows, and – for what it does not', async () => {
    daemon.routes['GET /v1/devices'] = {
      items: [device(), device({ index: 1, holders: [], sample: null, simulated: true })],
      driver,
      daemonRestarts: [],
      redisRestarts: [],
    };
    expect((await berth(daemon, ['devices'])).stdout).toBe(
      '[0] NVIDIA H100 80GB HBM3             │ 41 °C │ 50 % │ 1.2/80 GiB │ job 12 ada:train\n' +
        '[1] NVIDIA H100 80GB HBM3 (simulated) │  – °C │  – % │   –/80 GiB │ –\n',
    );
  });

  it('says what keeps jobs away from a device, and who is on it uninvited', async () => {
    const { sample } = device();
    const process = {
      pid: 7,
      kind: 'compute',
      memoryBytes: 2 ** 31,
      user: 'eve',
      command: 'x',
      job: null,
      number: null,
    };
    const obstacles = [
      {
        code: 'foreign_use',
        sentence: 'process 7 is there',
        since: '2026-11-21T02:00:00Z',
        endsBy: 'itself',
      },
    ];
    daemon.routes['GET /v1/devices'] = {
      items: [
        device({ holders: [], obstacles, sample: { ...sample, processes: [process] } } as Partial<Device>),
      ],
      driver,
      daemonRestarts: [],
      redisRestarts: [],
    };
    expect((await berth(daemon, ['devices'])).stdout).toBe(
      '[0] NVIDIA H100 80GB HBM3 │ 41 °C │ 50 % │ 1.2/80 GiB │ no job, but 1 foreign process (2 GiB) │ kept from jobs: process 7 is there\n',
    );
  });

  it('shows all of one device, and leaves out what the driver does not say', async () => {
    daemon.routes['GET /v1/devices/0'] = device();
    const { stdout } = await berth(daemon, ['devices', '0']);
    expect(stdout).toContain('device 0  NVIDIA H100 80GB HBM3\n');
    expect(stdout).toContain('Memory:      1.2 GiB of 80 GiB used, 1 GiB by jobs\n');
    expect(stdout).toContain('Power:       limit 700 W\n');
    expect(stdout).toContain('XIDs:');
    expect(stdout).not.toContain('Clocks');
    expect(stdout).not.toContain('null');
  });

  it('tells of workers and of a Redis that had died', async () => {
    const died = (process: string, secondsAgo: number): Restart => ({
      at: new Date(Date.now() - secondsAgo * 1000).toISOString(),
      exitCode: null,
      signal: 'SIGSEGV',
      sentence: `${process} was ended by SIGSEGV`,
    });
    const shaky = device({ workerRestarts: [died('its worker', 300), died('its worker', 9000)] });
    daemon.routes['GET /v1/devices'] = {
      items: [shaky],
      driver,
      daemonRestarts: [],
      redisRestarts: [died('Redis', 7200)],
    };
    daemon.routes['GET /v1/devices/0'] = shaky;
    const { stdout, stderr } = await berth(daemon, ['devices']);
    expect(stdout).toContain('2 restarts in 24 h, last 5m ago: its worker was ended by SIGSEGV');
    expect(stderr).toBe('berth: 1 restart in 24 h, last 2h ago: Redis was ended by SIGSEGV\n');
    expect((await berth(daemon, ['devices', '0'])).stdout).toContain('Worker:      2 restarts in 24 h');
  });

  it('says why there is no driver, and what to do', async () => {
    const trouble = { code: 'no_driver', detail: 'there is no driver', hint: 'install one' };
    daemon.routes['GET /v1/devices'] = {
      items: [],
      driver: { ...driver, problem: trouble },
      daemonRestarts: [],
      redisRestarts: [],
    };
    expect((await berth(daemon, ['devices'])).stderr).toBe('berth: there is no driver\nberth: install one\n');
  });
});

describe('berth drain and resume', () => {
  it('say what becomes of the device', async () => {
    daemon.routes['POST /v1/devices/0/drain'] = device();
    daemon.routes['POST /v1/devices/0/resume'] = device();
    const drained = await berth(daemon, ['drain', '0', '--reason', 'a fan rattles']);
    expect(drained.stdout).toBe('device 0 takes no more jobs; job 12 goes on there\n');
    expect(daemon.seen.at(-1)?.body).toBe('{"reason":"a fan rattles"}');
    expect((await berth(daemon, ['resume', '0'])).stdout).toBe('device 0 takes jobs again\n');
  });
});

describe('the daemon', () => {
  it('is found by the data directory, unless flags or environment say otherwise', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'berth-cli-'));
    daemon.routes['GET /v1/jobs/12'] = job();
    try {
      const environment = { BERTH_DATA_DIR: directory };
      const away = await berth(daemon, ['show', '12'], { environment });
      expect(away.code).toBe(5);
      expect(away.stderr).toContain(`no daemon runs on ${directory}`);

      writeFileSync(join(directory, 'address.json'), JSON.stringify({ url: daemon.url, pid: 1 }));
      writeFileSync(join(directory, 'token'), 'from-the-file\n');
      expect((await berth(daemon, ['show', '12'], { environment })).code).toBe(0);
      expect(daemon.seen.at(-1)?.headers.authorization).toBe('Bearer from-the-file');

      await berth(daemon, ['show', '12', '--token', 'from-the-flag'], { environment });
      expect(daemon.seen.at(-1)?.headers.authorization).toBe('Bearer from-the-flag');
    } finally {
      rmSync(directory, { recursive: true });
    }
  });

  it('gives browsers a token of one’s own, and makes one for a day where there is none to read', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'berth-cli-'));
    daemon.routes['GET /v1/me'] = { name: 'ada' };
    const token = (id: string, name: string, expiresAt: string) => ({ id, name, expiresAt });
    const [past, future] = ['2026-01-01T00:00:00Z', '2999-01-01T00:00:00Z'];
    daemon.routes['GET /v1/users/ada/tokens'] = {
      items: [
        token('tok_1', 'dashboard', past),
        token('tok_2', 'dashboard', future),
        token('tok_3', 'ci', past),
      ],
    };
    daemon.routes['DELETE /v1/tokens/tok_1'] = {};
    daemon.routes['POST /v1/users/ada/tokens'] = new Status(201, { token: 'berth_new' });
    try {
      writeFileSync(join(directory, 'address.json'), JSON.stringify({ url: daemon.url, pid: 1 }));
      const environment = { BERTH_DATA_DIR: directory };
      expect((await berth(daemon, ['dashboard'], { environment })).stdout).toBe(
        `${daemon.url}/#token=berth_new\n`,
      );
      expect(JSON.parse(daemon.seen.at(-1)?.body ?? '')).toEqual({ name: 'dashboard', expiresIn: '1d' });
      expect(daemon.seen.filter(({ call }) => call.startsWith('DELETE')).map(({ call }) => call)).toEqual([
        'DELETE /v1/tokens/tok_1',
      ]);
      const own = await berth(daemon, ['dashboard', '--token', 'berth_own'], { environment });
      expect(own.stdout).toBe(`${daemon.url}/#token=berth_own\n`);
    } finally {
      rmSync(directory, { recursive: true });
    }
  });

  it('that does not want our token is told apart', async () => {
    daemon.routes['GET /v1/devices'] = problem('unauthorized', 401, 'This token is wrong');
    const { code, stderr } = await berth(daemon, ['devices']);
    expect(code).toBe(4);
    expect(stderr).toContain('BERTH_TOKEN');
  });
});

it('help and version are no errors, a verb that is none is', async () => {
  const help = await berth(daemon, ['--help']);
  expect(help.code).toBe(0);
  expect(help.stdout).toContain('Exit codes:');
  expect((await berth(daemon, ['submit', '--help'])).stdout).toContain('--devices');
  expect((await berth(daemon, ['--version'])).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  const half = await berth(daemon, ['alias']);
  expect(half).toMatchObject({
    code: 2,
    stderr: 'berth: alias wants another verb behind it; see berth alias --help\n',
  });
  const unknown = await berth(daemon, ['lgos']);
  expect(unknown).toMatchObject({ code: 2, stderr: expect.stringContaining('Did you mean logs?') });
});
