import { afterAll, beforeAll, expect, it } from 'vitest';
import { eventually, TestDaemon } from '../support/daemon.js';

/** A thousand by hand; the suite has little time. */
const JOBS = Number(process.env.FAULTS_CANCELLED ?? 250);
const LANES = 16;

let daemon: TestDaemon;
beforeAll(async () => {
  daemon = await TestDaemon.start('8xT4');
});
afterAll(() => daemon.destroy());

it('jobs by the hundred that are cancelled while they start leave no process and no held device', async () => {
  await daemon.allWorkers();
  const before = daemon.processes().length;
  let submitted = 0;
  const lane = async (): Promise<void> => {
    for (; submitted < JOBS; ) {
      submitted += 1;
      const job = await daemon.shell('sleep 300');
      // Before it is placed, while it is claimed, when it has just begun: some of each.
      await new Promise((resolve) => setTimeout(resolve, (submitted * 7) % 30));
      expect((await daemon.cancel(job)).ok).toBe(true);
    }
  };
  await Promise.all(Array.from({ length: LANES }, lane));
  await eventually(
    async () =>
      (await (await daemon.request('/v1/jobs?limit=5&state=pending,starting,running,stopping')).json()) as {
        items: unknown[];
      },
    ({ items }) => items.length === 0,
  );
  expect((await daemon.devices()).flatMap(({ holders }) => holders)).toEqual([]);
  expect(daemon.processes().length).toBe(before);
});
