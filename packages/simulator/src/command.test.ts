import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { run } from './command.js';
import { POLICY_NAMES } from './policies.js';

const folder = mkdtempSync(join(tmpdir(), 'berth-simulate-'));
afterAll(() => rmSync(folder, { recursive: true }));

function simulate(...argv: string[]): { code: number; out: string; err: string } {
  let [out, err] = ['', ''];
  const code = run(argv, {
    out: (text) => {
      out += text;
    },
    err: (text) => {
      err += text;
    },
  });
  return { code, out, err };
}

function csv(text: string): string {
  const file = join(folder, 'jobs.csv');
  writeFileSync(file, text);
  return file;
}

const SMALL = ['--jobs', '200', '--days', '1', '--cluster', '2x8xH100-80GB'];

describe('simulate', () => {
  it('prints a table with a column for each policy, and how long each took apart from it', () => {
    const { code, out, err } = simulate(...SMALL);
    expect(code).toBe(0);
    expect(out).toMatch(/^200 jobs of \d+ users over [01]\.\d days on 2x8xH100-80GB, load 0\.9\d\n\n\| /);
    expect(out).toMatch(/\|\s+berth \|\s+berth-one-user \|\s+fifo \|\s+fifo-no-backfill \|\n/);
    expect(err).toMatch(/^simulate: 200 jobs by berth in \d+\.\d s\n/);
  });

  it('says the same figures each time for a seed', () => {
    const once = simulate(...SMALL, '--json').out;
    expect(simulate(...SMALL, '--json').out).toBe(once);
    expect(simulate(...SMALL, '--json', '--seed', '2').out).not.toBe(once);
    expect(JSON.parse(once)).toMatchObject({
      trace: { source: 'generated', jobs: 200, cluster: '2x8xH100-80GB' },
      policies: POLICY_NAMES.map((policy) => ({ policy, jobs: 200 })),
    });
  });

  it('replays a file', () => {
    const file = csv('submit,user,gpus,duration\n0,ada,1,60\n0,bo,1,60\n');
    const { code, out } = simulate('--trace', file, '--cluster', '1xT4', '--policy', 'fifo', '--json');
    expect(code).toBe(0);
    expect(JSON.parse(out).policies[0].waitSeconds.largest).toBe(60);
  });

  it.each([
    [
      ['--policy', 'sjf'],
      "there is no policy 'sjf'; there are berth, berth-one-user, fifo, fifo-no-backfill",
    ],
    [['--policy', 'toString'], "there is no policy 'toString'"],
    [['--cluster', 'big'], "'big' describes no cluster"],
    [['--jobs', '0'], "--jobs: '0' is no whole number from 1 to 1000000"],
    [['--jobs', '1.5'], "--jobs: '1.5' is no whole number"],
    [['--days', 'x'], "--days: 'x' is no whole number"],
    [['--load', '-1'], "--load: '-1' is no number from 0.01 to 10"],
    [['--unlimited', '2'], "--unlimited: '2' is no number from 0 to 1"],
    [['--seed', ''], "--seed: '' is no whole number"],
    [['--jobs', '1'], "1 jobs can't load 64 devices"],
    [['--trace', '/nowhere.csv'], "can't read the trace /nowhere.csv"],
    [['--trace', '/nowhere.csv', '--seed', '1'], '--seed shapes a generated trace'],
    [['--colour'], "unknown option '--colour'"],
    [['jobs.csv'], 'too many arguments'],
  ])('%j ends with 64 and one line', (argv, line) => {
    const { code, out, err } = simulate(...argv);
    expect({ code, out }).toEqual({ code: 64, out: '' });
    expect(err).toContain(line);
    expect(err).toMatch(/^simulate: [^\n]+\n$/);
  });

  it('names the place in a file', () => {
    const { code, err } = simulate('--trace', csv('submit,user,gpus,duration\n0,ada,99,60\n'));
    expect(code).toBe(64);
    expect(err).toMatch(/jobs\.csv:2: column gpus: '99' is no whole number from 1 to 8/);
  });

  it('helps', () => {
    const { code, out } = simulate('--help');
    expect(code).toBe(0);
    expect(out).toContain('--policy <LIST>');
  });
});
