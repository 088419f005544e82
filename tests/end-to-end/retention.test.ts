import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { afterAll, afterEach, expect, it } from 'vitest';
import { eventually, TestDaemon } from '../support/daemon.js';

let daemon: TestDaemon;
const scratch = mkdtempSync(join(tmpdir(), 'berth-retention-'));
afterEach(() => daemon.destroy());
afterAll(() => rmSync(scratch, { recursive: true }));

async function startWith(retention: string): Promise<void> {
  const config = join(scratch, 'berth.yaml');
  writeFileSync(config, `retention: ${retention}\n`);
  daemon = await TestDaemon.start('1xH100-80GB', '--config', config);
}
const files = () => readdirSync(join(daemon.dataDirectory, 'jobs'));

it('jobs beyond the limits are forgotten with all their files; one that is waited for stays', async () => {
  await startWith('{mostJobs: 0, every: 0.1}');
  const needed = await daemon.shell('exit 3', { hold: true });
  const waiting = await daemon.shell('true', { after: [needed.id], onDependencyFailure: 'wait' });
  await daemon.request(`/v1/jobs/${needed.id}/release`, { method: 'POST' });
  const redis = new Redis(join(daemon.dataDirectory, 'redis/redis.sock'));
  const keys = async () => (await redis.keys('{berth}:*')).filter((key) => !key.includes(':device-')).sort();
  const job = await daemon.shell('echo here; echo 1 > $BERTH_CHECKPOINT_FILE');
  await eventually(
    () => daemon.request(`/v1/jobs/${job.id}`),
    ({ status }) => status === 404,
  );
  await eventually(files, (left) => !left.some((name) => name.startsWith(job.id)));
  expect((await redis.keys(`*${job.id}*`)).sort()).toEqual([]);
  expect((await daemon.until(needed, 'failed')).cause?.exitCode).toBe(3);
  expect(await daemon.logs(needed)).toBe('');
  await daemon.cancel(waiting);
  await eventually(keys, (left) => !left.some((key) => key.includes(':job:')));
  await eventually(files, (left) => left.length === 0);
  expect(daemon.output).toMatch(/"forgottenJobs":1.*removed what is too old/);
  redis.disconnect();
});

it('a log that is gone is answered with 410 and since when; the job is still there and can run again', async () => {
  await startWith('{logs: 0.2, every: 0.1}');
  const go = join(scratch, 'go');
  const job = await daemon.shell(
    `echo here; [ "$BERTH_ATTEMPT" = 1 ] || until [ -e ${go} ]; do sleep 0.02; done`,
  );
  const gone = await eventually(
    () => daemon.request(`/v1/jobs/${job.id}/logs`),
    ({ status }) => status === 410,
  );
  expect(await gone.json()).toMatchObject({
    type: 'urn:berth:problem:log_removed',
    detail: expect.stringMatching(/^The logs of attempt 1 of job 1 are gone since 20\d\d-.*retention/),
  });
  await eventually(files, (left) => left.length === 0);
  expect((await daemon.job(job)).state).toBe('succeeded');
  await daemon.request(`/v1/jobs/${job.id}/requeue`, { method: 'POST' });
  // Before it ends, for then it goes again.
  await eventually(
    () => daemon.logs(job).catch(() => ''),
    (log) => log === 'here\n',
  );
  writeFileSync(go, '');
});

it('logs are kept to a size; those that ended first go first', async () => {
  await startWith('{logBytes: 100KiB, every: 0.1}');
  const first = await daemon.shell('head -c 70000 /dev/zero');
  await daemon.ended(first);
  await new Promise((resolve) => setTimeout(resolve, 300));
  expect((await daemon.request(`/v1/jobs/${first.id}/logs`)).status).toBe(200);
  const second = await daemon.shell('head -c 70000 /dev/zero');
  await eventually(
    () => daemon.request(`/v1/jobs/${first.id}/logs`),
    ({ status }) => status === 410,
  );
  expect((await daemon.request(`/v1/jobs/${second.id}/logs`)).status).toBe(200);
  expect(existsSync(join(daemon.dataDirectory, 'jobs', `${second.id}.1.0`))).toBe(true);
});
