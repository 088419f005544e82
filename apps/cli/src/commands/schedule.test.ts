import type { Schedule } from '@berth/contract';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { job } from '../../../../tests/support/sample-job.js';
import { berth, problem, Status, StubDaemon } from '../stub-daemon.test-support.js';

const nightly: Schedule = {
  id: 'sch_01k3v9q2m8fz4c7w1xkt5',
  user: 'ada',
  name: 'nightly',
  cron: '0 2 * * *',
  timeZone: 'Europe/Berlin',
  job: { command: ['python3', 'train me.py'] },
  overlap: 'skip',
  catchUp: false,
  enabled: true,
  createdAt: '2026-11-21T12:00:00.000Z',
  nextRun: '2026-11-22T01:00:00.000Z',
  lastRun: null,
  runs: 0,
};
const path = `/v1/schedules/${nightly.id}`;
/** As a clock on the wall here shows it. */
const NEXT = /runs next at 2026-11-2\d \d\d:\d\d:00/;

let daemon: StubDaemon;
beforeAll(async () => {
  daemon = await StubDaemon.start();
});
beforeEach(() => {
  daemon.seen.length = 0;
  daemon.routes = { 'GET /v1/schedules': { items: [nightly] }, [`GET ${path}`]: nightly };
});
afterAll(() => daemon.stop());

describe('berth schedule add', () => {
  const sent = () => JSON.parse(daemon.seen[0]?.body ?? 'null');

  it("sends the times with a job of submit's own flags, and says when it runs", async () => {
    daemon.routes['POST /v1/schedules'] = new Status(201, nightly);
    const flags = '--cron|0 2 * * *|--time-zone|Europe/Berlin|--name|nightly|-G|2|-t|2h'.split('|');
    const { stdout } = await berth(daemon, ['schedule', 'add', ...flags, '--', 'python3', '-u', 'a.py'], {
      terminal: true,
    });
    expect(sent()).toMatchObject({
      cron: '0 2 * * *',
      timeZone: 'Europe/Berlin',
      name: 'nightly',
      job: { command: ['python3', '-u', 'a.py'], gpus: 2, timeLimit: '2h', workingDirectory: '/home/ada' },
    });
    expect(stdout).toMatch(`schedule nightly (${nightly.id})`);
    expect(stdout).toMatch(NEXT);
  });

  it('leaves what was not said to the daemon, and prints the bare id on a pipe', async () => {
    daemon.routes['POST /v1/schedules'] = new Status(201, nightly);
    const { stdout } = await berth(daemon, ['schedule', 'add', '--cron', '0 2 * * *', 'true']);
    expect(Object.keys(sent())).toEqual(['cron', 'job']);
    expect(stdout).toBe(`${nightly.id}\n`);
    daemon.seen.length = 0;
    const more = ['--paused', '--catch-up', '--overlap', 'allow'];
    await berth(daemon, ['schedule', 'add', '--cron', '0 2 * * *', ...more, 'true']);
    expect(sent()).toMatchObject({ enabled: false, catchUp: true, overlap: 'allow' });
  });

  it('names the flag of what was wrong', async () => {
    const errors = [
      { pointer: '#/cron', detail: 'no' },
      { pointer: '#/job/gpus', detail: 'too many' },
    ];
    daemon.routes['POST /v1/schedules'] = problem('invalid_request', 422, '', errors);
    const { code, stderr } = await berth(daemon, ['schedule', 'add', '--cron', 'x', 'true']);
    expect(code).toBe(2);
    expect(stderr).toMatch(/#\/cron \(--cron\): no\n.*#\/job\/gpus \(--gpus\): too many/);
  });

  it.each([
    [['--cron', '0 2 * * *'], /nothing to run; write for example: berth schedule add/],
    [['true'], /--cron/],
    [
      ['--cron', '0 2 * * *', '--gres', 'gpu:2', 'true'],
      /schedule has no --gres; for --gres=gpu:2 write -G 2/,
    ],
  ])('refuses %j without asking the daemon', async (words, says) => {
    const { code, stderr } = await berth(daemon, ['schedule', 'add', ...words]);
    expect([code, daemon.seen]).toEqual([2, []]);
    expect(stderr).toMatch(says);
  });
});

describe('berth schedule', () => {
  const skipped = { code: 'missed', sentence: 'nobody was there' } as const;

  it('alone lists all, with what became of the last time', async () => {
    const lastRun = { at: '2026-11-21T01:00:00.000Z', job: null, number: null, skipped };
    const paused = { ...nightly, name: 'other', nextRun: null, enabled: false, lastRun };
    daemon.routes['GET /v1/schedules'] = { items: [nightly, paused] };
    const { stdout } = await berth(daemon, ['schedule']);
    expect(stdout).toMatch(/nightly +0 2 \* \* \* +Europe\/Berlin +2026-11-2\d .* 0 +–/);
    expect(stdout).toMatch(/other.*paused +0 +2026-11-2\d .*skipped: nobody was there/);
    daemon.routes['GET /v1/schedules'] = { items: [] };
    expect((await berth(daemon, ['schedule', 'ls'])).stderr).toMatch(/no schedules; berth schedule add/);
  });

  it('show tells all of it, by its name too', async () => {
    const { stdout } = await berth(daemon, ['schedule', 'show', 'nightly']);
    expect(stdout).toMatch(NEXT);
    expect(stdout).toMatch(/Command: +python3 'train me.py'/);
  });

  it('pause, resume, run and rm say what is so then', async () => {
    daemon.routes[`POST ${path}/pause`] = { ...nightly, nextRun: null };
    daemon.routes[`POST ${path}/resume`] = nightly;
    daemon.routes[`POST ${path}/run`] = new Status(201, job());
    daemon.routes[`DELETE ${path}`] = { ...nightly, runs: 1 };
    const said = async (verb: string) => (await berth(daemon, ['schedule', verb, nightly.id])).stdout;
    expect(await said('pause')).toMatch(/is paused/);
    expect(await said('resume')).toMatch(NEXT);
    expect(await said('run')).toMatch(/job 12 \(job_\w+\) submitted: pending/);
    expect(await said('rm')).toMatch(/is deleted; it made 1 job\n/);
  });

  it('is told by a name only where one schedule has it, and goes on with the others', async () => {
    daemon.routes['GET /v1/schedules'] = { items: [nightly, { ...nightly, id: 'sch_2' }] };
    daemon.routes[`POST ${path}/pause`] = { ...nightly, nextRun: null };
    const { code, stdout, stderr } = await berth(daemon, ['schedule', 'pause', 'nightly', 'x', nightly.id]);
    expect(code).toBe(3);
    expect(stderr).toMatch(/'nightly' is the name of 2 schedules.*\n.*'x' names no schedule/);
    expect(stdout).toMatch(/is paused/);
  });
});
