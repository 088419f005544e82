import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, expect, it } from 'vitest';
import { TestDaemon } from '../support/daemon.js';

const BERTH = new URL('../../apps/cli/bin/berth.js', import.meta.url).pathname;

/** Whoever looks at the demo's records later. */
const daemon = new TestDaemon('2xH100-80GB', []);
const root = daemon.dataDirectory;
afterAll(() => daemon.destroy());

it('the demo trains on a device to its end, beside a job that fails and one that waits, and leaves their records', async () => {
  const environment = { ...process.env, BERTH_ROOT_JOBS: '*', BERTH_URL: '' };
  const { stdout } = await promisify(execFile)(process.execPath, [BERTH, 'demo', '--data-dir', root], {
    env: environment,
  });
  expect(stdout).toMatch(/Epoch \[2000\/2000\], Loss: 0\.0/);
  expect(stdout).toMatch(/job 1 succeeded after .*\n {2}exit code 0, on device 1 \(NVIDIA H100/);
  expect(stdout).toContain(`npx berth dashboard --data-dir ${root} prints an address that signs in`);
  // What is written here may be kept for all to read.
  expect(stdout).not.toContain('#token=');

  await daemon.start();
  const jobs = await Promise.all([1, 2, 3].map((number) => daemon.job({ id: String(number) })));
  expect(jobs.map(({ state }) => state)).toEqual(['succeeded', 'failed', 'succeeded']);
  expect(jobs[1]?.cause?.diagnosis?.advice).toMatch(/memory/);
  expect(jobs[2]?.attempts[0]?.devices).toHaveLength(2);
});
