import { afterEach, beforeEach, expect, it } from 'vitest';
import { eventually, isAlive, TestDaemon } from '../support/daemon.js';

let daemon: TestDaemon;
beforeEach(async () => {
  daemon = await TestDaemon.start('1xH100-80GB');
});
afterEach(() => daemon.destroy());

const UNTIL_TOLD = 'trap "exit 0" USR1; echo up; while :; do sleep 0.02; done';

async function runningJob() {
  const job = await daemon.shell(UNTIL_TOLD, { gracePeriod: 0.2 });
  await eventually(
    () => daemon.logs(job),
    (log) => log.includes('up'),
  );
  // Its output may be there before the ledger knows that it runs.
  const { attempts } = await daemon.until(job, 'running');
  return { ...job, pid: attempts[0]?.tasks[0]?.pid as number };
}

it('wait: nothing starts any more, the probe says so, and the daemon and its Redis end when the last job has', async () => {
  const running = await runningJob();
  const redis = daemon.holderOf('redis/redis.lock');
  const asked = await daemon.post('/v1/shutdown', { jobs: 'wait' });
  expect([asked.status, await asked.json()]).toEqual([202, { jobs: 'wait', running: 1 }]);
  const ready = await daemon.request('/readyz');
  expect([ready.status, await ready.json()]).toMatchObject([503, { status: 'draining' }]);
  const late = await daemon.shell('echo late');
  process.kill(running.pid, 'SIGUSR1');
  expect(await daemon.exited()).toBe(0);
  expect(isAlive(redis)).toBe(false);
  expect(daemon.processes()).toEqual([]);
  await daemon.start();
  expect((await daemon.job(running)).state).toBe('succeeded');
  expect(await daemon.logs(late, 'follow=true')).toBe('late\n');
});

it('cancel: what runs is cancelled and says why, what waits is still there', async () => {
  const running = await runningJob();
  const waiting = await daemon.shell('true');
  await daemon.post('/v1/shutdown', { jobs: 'cancel' });
  expect(await daemon.exited()).toBe(0);
  await daemon.start();
  expect(await daemon.job(running)).toMatchObject({
    state: 'cancelled',
    cause: { code: 'user', sentence: 'cancelled, for the daemon was shut down' },
  });
  expect((await daemon.ended(waiting)).state).toBe('succeeded');
});

it('leave: the daemon ends, the job goes on; and it overrules an earlier wait', async () => {
  const running = await runningJob();
  await daemon.post('/v1/shutdown', { jobs: 'wait' });
  await daemon.post('/v1/shutdown', {});
  expect(await daemon.exited()).toBe(0);
  expect(isAlive(running.pid)).toBe(true);
  await daemon.start();
  expect((await daemon.job(running)).state).toBe('running');
});

it('another word is refused, and changes nothing', async () => {
  const answer = await daemon.post('/v1/shutdown', { jobs: 'kill' });
  expect([answer.status, await answer.json()]).toMatchObject([422, { errors: [{ pointer: '#/jobs' }] }]);
  expect((await daemon.request('/readyz')).status).toBe(200);
});
