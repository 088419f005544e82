import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DoctorReport, Finding } from '@berth/contract';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { berth, problem, StubDaemon } from '../stub-daemon.test-support.js';

const finding = (more: Partial<Finding>): Finding => ({
  id: 'x',
  area: 'host',
  level: 'ok',
  sentence: 'all fine',
  advice: null,
  ...more,
});
const report = (...findings: Finding[]): DoctorReport => ({
  at: '2026-11-21T02:00:00.000Z',
  node: 'box',
  findings,
});
const bad = finding({ area: 'pytorch', level: 'problem', sentence: 'a CPU build', advice: 'Choose another' });

let daemon: StubDaemon;
let folder: string;
/** The python that the daemon was asked about. */
let asked: string | null;
let answer: DoctorReport;

beforeAll(async () => {
  daemon = await StubDaemon.start();
  folder = mkdtempSync(join(tmpdir(), 'berth-doctor-test-'));
  for (const name of ['python3', 'python', 'pypy']) {
    writeFileSync(join(folder, name), '');
    chmodSync(join(folder, name), 0o755);
  }
});
beforeEach(() => {
  answer = report(finding({}));
  asked = null;
  daemon.routes = {
    'GET /v1/doctor': ({ query }: { query: URLSearchParams }) => {
      asked = query.get('python');
      return answer;
    },
  };
});
afterAll(async () => {
  await daemon.stop();
  rmSync(folder, { recursive: true });
});

function doctor(argv: readonly string[] = [], more: Record<string, string> = {}, terminal = false) {
  const environment = { BERTH_URL: daemon.url, BERTH_TOKEN: 'secret', PATH: `/no/such:${folder}`, ...more };
  return berth(daemon, ['doctor', ...argv], { environment, terminal });
}

describe('berth doctor', () => {
  it('groups what was found, with what to do below, and exits with 1 where there is a problem', async () => {
    answer = report(
      finding({ area: 'driver', level: 'note', sentence: 'simulated' }),
      bad,
      finding({ area: 'host', level: 'warning', sentence: 'little memory', advice: 'Add some' }),
      finding({}),
    );
    const { code, stdout } = await doctor();
    expect(code).toBe(1);
    expect(stdout).toBe(`Daemon
  ✓ berthd answers at ${daemon.url}
Driver
  · simulated
PyTorch
  ✗ a CPU build
    Choose another
Host
  ! little memory
    Add some
  ✓ all fine

1 problem, 1 warning
`);
  });

  it('exits with 0 where there is none, be there warnings', async () => {
    expect(await doctor()).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/\nall is well\n$/) as string,
    });
    answer = report(finding({ level: 'warning' }));
    expect(await doctor()).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/\n0 problems, 1 warning\n$/) as string,
    });
  });

  it('prints the report as JSON', async () => {
    answer = report(bad);
    const { code, stdout } = await doctor(['--json']);
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toEqual({
      ...answer,
      findings: [expect.objectContaining({ id: 'daemon', level: 'ok' }), bad],
    });
  });

  it('paints on a terminal, and there alone', async () => {
    answer = report(bad);
    expect((await doctor([], {}, true)).stdout).toContain('\u001b[');
    expect((await doctor()).stdout).not.toContain('\u001b[');
  });

  it('shows nothing that would command a terminal', async () => {
    answer = report(finding({ sentence: 'device \u001b[2J', advice: '\u001b]0;x\u0007' }));
    const { stdout } = await doctor();
    expect(stdout).toContain('device');
    for (const control of ['\u001b', '\u0007']) expect(stdout).not.toContain(control);
  });

  it.each<[string, string[], Record<string, string>, () => string | null]>([
    ['the first on the PATH', [], {}, () => join(folder, 'python3')],
    ['one that is named by its path', ['--python', '/opt/x/python'], {}, () => '/opt/x/python'],
    ['one below where one is', ['--python', 'venv/bin/python'], {}, () => '/home/ada/venv/bin/python'],
    ['one that is named as one calls it', ['--python', 'pypy'], {}, () => join(folder, 'pypy')],
    ["the daemon's, where there is none here", [], { PATH: '/no/such' }, () => null],
  ])('looks at the PyTorch of a python: %s', async (_, argv, more, expected) => {
    await doctor(argv, more);
    expect(asked).toBe(expected());
  });

  it('tells who is no admin of the daemon’s python, and how to look at their own', async () => {
    const refused = problem('forbidden', 403, 'Only admins may name a program');
    daemon.routes = {
      'GET /v1/doctor': ({ query }: { query: URLSearchParams }) => (query.has('python') ? refused : answer),
    };
    const { code, stdout } = await doctor();
    expect(code).toBe(0);
    expect(stdout).toContain(`only admins may have it look at yours, ${join(folder, 'python3')}`);
    expect(await doctor(['--python', 'pypy'])).toMatchObject({ code: 4, stdout: '' });
  });

  it('refuses a python that is not there', async () => {
    expect(await doctor(['--python', 'pythonn'])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('there is no pythonn on the PATH') as string,
    });
  });

  it('does not take a daemon that refuses for one that is away', async () => {
    daemon.routes = { 'GET /v1/doctor': problem('unauthorized', 401, 'The token is wrong') };
    expect(await doctor()).toMatchObject({
      code: 4,
      stdout: '',
      stderr: expect.stringContaining('The token is wrong') as string,
    });
  });
});
