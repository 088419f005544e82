import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { job } from '../../../../tests/support/sample-job.js';
import { berth, Status, StubDaemon } from '../stub-daemon.test-support.js';

let daemon: StubDaemon;
let directory: string;
beforeAll(async () => {
  daemon = await StubDaemon.start();
  directory = mkdtempSync(join(tmpdir(), 'berth-scripts-'));
});
beforeEach(() => {
  daemon.seen.length = 0;
  const group = { id: 'grp_1', size: 10, firstNumber: 12 };
  daemon.routes = { 'POST /v1/jobs': new Status(201, job()), 'POST /v1/jobs/batch': new Status(201, group) };
});
afterAll(async () => {
  await daemon.stop();
  rmSync(directory, { recursive: true });
});

const path = `/v1/jobs/${job().id}`;
const sent = () => JSON.parse(daemon.seen[0]?.body ?? 'null');

function script(name: string, text: string): void {
  writeFileSync(join(directory, name), text);
  chmodSync(join(directory, name), 0o755);
}

const submit = (...argv: string[]) =>
  berth(daemon, ['submit', ...argv], {
    directory,
    environment: { BERTH_URL: daemon.url, BERTH_TOKEN: 't', PATH: '/usr/bin:/bin', NO_COLOR: '1' },
  });

describe('a script', () => {
  const text = `#!/bin/bash
#SBATCH --job-name=old --gres=gpu:a100:2
#SBATCH -t 120   # two hours
#SBATCH --mail-type=ALL -o out-%j.txt
#BERTH -J new -e "A=b c"

# a remark, and an empty line, do not end the head
#BERTH --retries 3
python train.py
#BERTH --gpus 99
`;

  it('says by its header lines what it needs, and what of them means nothing is told', async () => {
    script('train.sh', text);
    const { code, stderr } = await submit('train.sh');
    expect(code).toBe(0);
    expect(sent()).toMatchObject({
      script: text,
      name: 'new',
      gpus: 2,
      constraints: { model: 'a100' },
      timeLimit: '7200s',
      environment: { A: 'b c', PATH: '/usr/bin:/bin' },
      retry: { limit: 3 },
    });
    expect(stderr.split('\n')).toEqual([
      expect.stringMatching(/^train.sh:4: #SBATCH --mail-type means nothing here: /),
      expect.stringMatching(/^train.sh:4: #SBATCH -o means nothing here: .*berth logs/),
      '',
    ]);
  });

  it('comes behind what is typed; variables are joined', async () => {
    script('train.sh', text);
    await submit('-G', '1', '-J', 'typed', '-e', 'B=2', './train.sh');
    expect(sent()).toMatchObject({ gpus: 1, name: 'typed', environment: { A: 'b c', B: '2' } });
  });

  it('with arguments is run by its interpreter, and its header lines count', async () => {
    script('train.sh', text);
    await submit('train.sh', '--lr', '0.1');
    const command = ['/bin/bash', join(directory, 'train.sh'), '--lr', '0.1'];
    expect(sent()).toMatchObject({ command, gpus: 2 });
  });

  it('with --strict is refused for what means nothing, every line of it', async () => {
    script('train.sh', text);
    const { code, stderr } = await submit('--strict', '--script', 'train.sh');
    expect(code).toBe(2);
    expect(stderr).toMatch(/--mail-type .*\n.* -o .*\nberth: nothing was submitted/);
    expect(daemon.seen).toEqual([]);
  });

  it.each([
    ['#!/bin/sh\n#BERTH --gpu 2\n', /bad.sh: its header lines: .*--gpu.*--gpus/],
    ['#!/bin/sh\n#BERTH -G two\n', /bad.sh: its header lines: .*'two' is invalid/],
    ['#!/bin/sh\n#BERTH python x\n', /bad.sh:2: #BERTH takes flags, not 'python'/],
    ['#!/bin/sh\n#SBATCH -J "x\n', /bad.sh:2: a " is never closed/],
  ])('with the header %j is refused, with its place', async (bad, message) => {
    script('bad.sh', bad);
    const { code, stderr } = await submit('bad.sh');
    expect(code).toBe(2);
    expect(stderr).toMatch(message);
  });

  it('without header lines is a command where a shell would find it', async () => {
    script('plain.sh', '#!/bin/sh\necho hi\n');
    await submit('./plain.sh');
    expect(sent()).toMatchObject({ command: ['./plain.sh'] });
    daemon.seen.length = 0;
    await submit('plain.sh');
    expect(sent()).toMatchObject({ script: '#!/bin/sh\necho hi\n', name: 'plain.sh' });
  });
});

it('--wrap makes a script of a line', async () => {
  await submit('--wrap', 'a && b');
  expect(sent()).toMatchObject({ script: '#!/bin/sh\na && b\n', name: 'wrap' });
  expect((await submit('--wrap', 'a', 'b')).stderr).toContain(
    "--wrap or a command, not both ('b' is too much)",
  );
});

it('--array makes a job for each number', async () => {
  script('array.sh', '#!/bin/sh\n#SBATCH --array=1-10%2\necho "$SLURM_ARRAY_TASK_ID"\n');
  expect(await submit('array.sh')).toMatchObject({ code: 0, stdout: 'grp_1\n' });
  expect(sent()).toMatchObject({
    template: { environment: { SLURM_ARRAY_TASK_ID: '{berth_array_task}' } },
    matrix: { berth_array_task: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10] },
    maxParallel: 2,
  });
});

it('tells people the place in the queue and the earliest start', async () => {
  const reason = { code: 'resources' as const, sentence: 'needs 1 free device; none is free' };
  daemon.routes['POST /v1/jobs'] = new Status(201, job({ reason, position: 3 }));
  daemon.routes[`GET ${path}/explain`] = {
    startsNow: false,
    latestStart: '2026-12-01T10:00:00.000Z',
    ahead: 2,
  };
  const { stdout } = await berth(daemon, ['submit', 'true'], { terminal: true });
  expect(stdout).toMatch(
    /submitted: pending, place 3 in the queue, starts by 2026-1\S+ \S+ as it looks now: needs 1 free device/,
  );
});

it('tells people on a terminal that a bare number of a time limit is seconds', async () => {
  const noted = async (time: string, terminal: boolean) =>
    (await berth(daemon, ['submit', '-t', time, 'true'], { terminal })).stderr;
  expect(await noted('120', true)).toContain('-t 120 is 2m here');
  expect(await noted('2h', true)).toBe('');
  expect(await noted('120', false)).toBe('');
});

describe('Ctrl-C', () => {
  const interruptedAfter = (milliseconds: number) => ({
    onInterrupt: (handler: () => void) => {
      const timer = setTimeout(handler, milliseconds);
      return () => clearTimeout(timer);
    },
  });

  it('cancels with --on-interrupt cancel, and the end is waited for', async () => {
    let cancelled = false;
    daemon.routes[`POST ${path}/cancel`] = () => {
      cancelled = true;
      return job({ state: 'stopping' });
    };
    daemon.routes[`GET ${path}`] = () => job({ state: cancelled ? 'cancelled' : 'running' });
    const argv = ['submit', '--wait', '--on-interrupt', 'cancel', 'true'];
    const { code, stderr } = await berth(daemon, argv, interruptedAfter(50));
    expect(code).toBe(143);
    expect(stderr).toContain('cancelling job 12');
    expect(stderr).toContain('job 12 was cancelled');
  });
});

it('a job to wait for may be named as everywhere, and one that can be none is refused before anything is sent', async () => {
  const newest = job({ user: 'ada' });
  daemon.routes['GET /v1/me'] = { name: 'ada' };
  daemon.routes['GET /v1/jobs'] = { items: [newest], nextCursor: null };
  expect((await submit('-a', 'last:ended', '-a', '7', 'true')).code).toBe(0);
  expect(JSON.parse(daemon.seen.at(-1)?.body ?? '')).toMatchObject({
    after: [{ job: newest.id, on: 'ended' }, '7'],
  });
  daemon.seen.length = 0;
  expect(await submit('-a', 'lats', 'true')).toMatchObject({
    code: 2,
    stderr: expect.stringContaining("'lats' names no job"),
  });
  expect(daemon.seen).toEqual([]);
});

it.each([
  [['train.py'], 'write python3 train.py'],
  [['plain.sh', '--lr', '1'], 'write bash plain.sh'],
  [['a.out'], 'write ./a.out'],
  [['python3 train.py --lr 1'], 'leave the quotes out, or write --wrap'],
])('%j can be no program, which is said before it waits for a device', async (words, hint) => {
  for (const name of ['train.py', 'plain.sh', 'a.out'])
    writeFileSync(join(directory, name), 'no first line\n');
  expect(await submit('--', ...words)).toMatchObject({ code: 2, stderr: expect.stringContaining(hint) });
  expect(daemon.seen).toEqual([]);
});

it('a program that only the host of the daemon has is left to it', async () => {
  expect((await submit('--', 'nvcc-of-another-host', 'train.py')).code).toBe(0);
});
