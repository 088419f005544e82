import { BerthClient } from '@berth/client';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { job } from '../../../tests/support/sample-job.js';
import { referenceOf, spread } from './job-reference.js';
import { berth, StubDaemon } from './stub-daemon.test-support.js';

let daemon: StubDaemon;
beforeAll(async () => {
  daemon = await StubDaemon.start();
});
beforeEach(() => {
  const items = [
    job({ id: 'job_4', number: 4, user: 'bob' }),
    job({ id: 'job_3', number: 3 }),
    job({ id: 'job_2', number: 2, user: 'bob' }),
    job({ id: 'job_1', number: 1 }),
  ];
  daemon.routes = { 'GET /v1/jobs': { items, nextCursor: null }, 'GET /v1/me': { name: 'ada' } };
});
afterAll(() => daemon.stop());

describe('a job', () => {
  it.each([
    ['last', 'job_3'],
    ['@', 'job_3'],
    ['@~0', 'job_3'],
    ['@~1', 'job_1'],
    ['last~1', 'job_1'],
    ['42', '42'],
    ['job_x', 'job_x'],
  ])('%s of ada is %s', async (word, reference) => {
    const client = new BerthClient({ url: daemon.url });
    expect(await referenceOf({ client }, word)).toBe(reference);
  });

  it('that is not there is told by the name of who asks', async () => {
    const { code, stderr } = await berth(daemon, ['show', '@~2']);
    expect({ code, stderr }).toEqual({ code: 3, stderr: expect.stringContaining("no such job of ada's") });
  });

  it.each(['@~', '@1', 'train', '~1', '1-2-3'])('is not named by %s', async (word) => {
    expect((await berth(daemon, ['show', word])).code).toBe(2);
  });
});

it('ranges are spread, and refused where they are too long or run backwards', () => {
  expect(spread(['7', '10-12', 'last'])).toEqual(['7', '10', '11', '12', 'last']);
  for (const bad of ['3-1', '1-5000']) expect(() => spread([bad])).toThrow(bad);
});

describe('berth wait', () => {
  it('--any ends with the first of several, and exits as that one did', async () => {
    const cause = { code: 'exit_code', sentence: 'exited with 9', rank: 0, exitCode: 9, signal: null };
    daemon.routes['GET /v1/jobs/1'] = job({ id: 'job_1', number: 1, state: 'running' });
    daemon.routes['GET /v1/jobs/job_1'] = job({ id: 'job_1', number: 1, state: 'running' });
    daemon.routes['GET /v1/jobs/2'] = job({ id: 'job_2', number: 2, state: 'running' });
    let asked = 0;
    daemon.routes['GET /v1/jobs/job_2'] = () => {
      asked += 1;
      const state = asked > 2 ? 'failed' : 'running';
      return { ...job({ id: 'job_2', number: 2, state }), cause: asked > 2 ? cause : null };
    };
    const { code, stdout } = await berth(daemon, ['wait', '--any', '1', '2']);
    expect(code).toBe(9);
    expect(stdout).toBe('job 2 failed: exited with 9\n');
  });

  it('waits for all of several, also past one that failed', async () => {
    const cause = { code: 'exit_code', sentence: 'exited with 9', rank: 0, exitCode: 9, signal: null };
    for (const number of [1, 2]) {
      const ended = { ...job({ id: `job_${number}`, number, state: 'failed' }), cause };
      daemon.routes[`GET /v1/jobs/${number}`] = ended;
      daemon.routes[`GET /v1/jobs/job_${number}`] = ended;
    }
    const { code, stdout } = await berth(daemon, ['wait', '1-2']);
    expect(code).toBe(9);
    expect(stdout).toMatch(/job 1 failed.*\njob 2 failed.*\n/);
  });
});

describe('--watch', () => {
  it('asks whether a number is a job or seconds', async () => {
    const { code, stderr } = await berth(daemon, ['show', '--watch', '42']);
    expect(code).toBe(2);
    expect(stderr).toContain('berth show 42 --watch');
  });

  it('on a pipe prints one picture after the other, until Ctrl-C', async () => {
    const { code, stdout } = await berth(daemon, ['usage', '--watch', '0.1', '--json'], {
      onInterrupt: (handler) => {
        const timer = setInterval(() => asked >= 3 && handler(), 10);
        return () => clearInterval(timer);
      },
    });
    expect(code).toBe(0);
    expect(stdout.trimEnd().split('\n').length).toBeGreaterThan(1);
  });
  let asked = 0;
  beforeEach(() => {
    asked = 0;
    daemon.routes['GET /v1/usage'] = () => {
      asked += 1;
      return { halfLifeSeconds: 1, reachSeconds: 0, users: [] };
    };
  });
});
