import { spawnSync } from 'node:child_process';
import type { Explanation, JobList } from '@berth/contract';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { eventually, TestDaemon } from '../support/daemon.js';

const BERTH = new URL('../../apps/cli/bin/berth.js', import.meta.url).pathname;

let daemon: TestDaemon;
beforeAll(async () => {
  daemon = await TestDaemon.start('2xH100-80GB');
});
afterAll(() => daemon.destroy());

const berth = (...argv: string[]) =>
  spawnSync(process.execPath, [BERTH, '--data-dir', daemon.dataDirectory, ...argv], { encoding: 'utf8' })
    .stdout;
const explain = async (job: { number: number }): Promise<Explanation> =>
  (await (await daemon.request(`/v1/jobs/${job.number}/explain`)).json()) as Explanation;

it('a waiting job is explained: who is ahead, every device, when at the latest, what would be sooner', async () => {
  const running = await daemon.shell('sleep 60', { devices: '0', timeLimit: 600, gracePeriod: 0 });
  const { startedAt } = await daemon.until(running, 'running');
  const gang = await daemon.shell('true', { gpus: 2 });
  const behind = await daemon.shell('true');
  const held = await daemon.shell('true', { hold: true });
  // The scheduler hears of a submission by its event.
  await eventually(
    () => explain(behind),
    ({ ahead }) => ahead === 1,
  );

  const first = await explain(gang);
  expect(first).toMatchObject({ ahead: 0, startsNow: false, unknownBecause: null });
  expect(first.devices.map(({ verdict }) => verdict)).toEqual(['held', 'free']);
  expect(first.sooner).toEqual(['with gpus: 1 it would start now']);
  const promised = Date.parse(first.latestStart as string) - Date.parse(startedAt as string);
  expect(Math.abs(promised - 600_000)).toBeLessThan(5000);

  const second = await explain(behind);
  expect(second).toMatchObject({
    ahead: 1,
    latestStart: null,
    unknownBecause: 'a job that is ahead of it has no time limit',
  });
  expect(second.devices[1]).toMatchObject({
    verdict: 'reserved',
    why: expect.stringContaining(`job ${gang.number}`) as string,
  });
  expect(second.sooner[0]).toMatch(/^with a time limit .* of at most \d+ minutes it would start now$/);
  expect(await explain(held)).toMatchObject({ reason: { code: 'held' }, ahead: null });
  expect(await explain(running)).toMatchObject({
    startsNow: false,
    unknownBecause: 'it has its devices, and runs',
  });

  expect(berth('explain', String(behind.number))).toMatch(
    /has 1 ahead of it\nwhen it starts is not known.*\n\nDEVICE {2}VERDICT/,
  );
  expect(berth('submit', '--dry-run', '-t', '60', '--grace', '0', '--', 'true')).toMatch(
    /^such a job would start now/,
  );
  expect(berth('submit', '--dry-run', '-D', '0', '--', 'true')).toContain(
    'its mask rules 1 of 2 devices out',
  );
  for (const job of [running, gang, behind, held]) await daemon.cancel(job);
});

it('a dry run submits nothing, and refuses what a submission would', async () => {
  const newest = async () =>
    ((await (await daemon.request('/v1/jobs?limit=1')).json()) as JobList).items[0]?.number;
  const before = await newest();
  const job = { command: ['true'], workingDirectory: '/' };
  expect((await daemon.post('/v1/jobs?dryRun=true', job)).status).toBe(200);
  expect((await daemon.post('/v1/jobs?dryRun=true', { ...job, gpus: 9 })).status).toBe(422);
  expect((await daemon.post('/v1/jobs?dryRun=maybe', job)).status).toBe(422);
  expect(await newest()).toBe(before);
});
