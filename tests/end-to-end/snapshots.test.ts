import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Code, Group, JobList, Problem } from '@berth/contract';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { eventually, TestDaemon } from '../support/daemon.js';

let daemon: TestDaemon;
let scratch: string;
let project: string;
beforeEach(() => {
  scratch = mkdtempSync(join(tmpdir(), 'berth-project-'));
  project = join(scratch, 'project');
  mkdirSync(join(project, 'src'), { recursive: true });
  writeFileSync(join(project, 'src/train.sh'), 'echo committed\n');
  git('init', '-q', '-b', 'main');
  git('add', '-A');
  git('-c', 'user.name=a', '-c', 'user.email=a@b', 'commit', '-q', '-m', 'first');
});
afterEach(async () => {
  await daemon.destroy();
  rmSync(scratch, { recursive: true });
});

function git(...argv: string[]): void {
  execFileSync('git', ['-C', project, ...argv]);
}
const edit = (text: string) => writeFileSync(join(project, 'src/train.sh'), text);
const start = async (settings = '{}'): Promise<void> => {
  const config = join(scratch, 'berth.yaml');
  writeFileSync(config, settings);
  daemon = await TestDaemon.start('2xH100-80GB', '--config', config);
};
const training = () => ({ command: ['sh', 'train.sh'], workingDirectory: join(project, 'src') });
const files = () => readdirSync(join(daemon.dataDirectory, 'jobs'));

it('what is edited while the job waits is not what runs; commit, changes and place are on the job', async () => {
  await start();
  edit('echo submitted; pwd; echo "$BERTH_SUBMIT_DIRECTORY"\n');
  const job = await daemon.submit({ ...training(), snapshot: 'git', checkpointPath: 'last.pt', hold: true });
  edit('echo edited later\n');
  expect(job).toMatchObject({
    snapshot: 'git',
    workingDirectory: join(project, 'src'),
    code: { branch: 'main', dirty: true, commit: expect.stringMatching(/^[0-9a-f]{40}$/) },
  });
  const { snapshot } = job.code as Code;
  const { directory, changes } = snapshot as NonNullable<Code['snapshot']>;
  expect(readFileSync(changes as string, 'utf8')).toMatch(/-echo committed\n\+echo submitted/);
  expect(job.checkpointPath).toBe(join(directory, 'last.pt'));
  await daemon.request(`/v1/jobs/${job.id}/release`, { method: 'POST' });
  expect(await daemon.logs(job, 'follow=true')).toBe(`submitted\n${directory}\n${join(project, 'src')}\n`);
});

it('without a snapshot the job says what it was submitted with, and runs what is there', async () => {
  await start();
  const clean = await daemon.submit({ ...training(), hold: true });
  edit('echo edited later\n');
  const changed = await daemon.submit({ ...training(), hold: true });
  expect([clean.code?.dirty, changed.code?.dirty]).toEqual([false, true]);
  expect(clean).toMatchObject({ snapshot: null, code: { commit: changed.code?.commit, snapshot: null } });
  await daemon.request(`/v1/jobs/${clean.id}/release`, { method: 'POST' });
  expect(await daemon.logs(clean, 'follow=true')).toBe('edited later\n');
});

it('a snapshot that can not be taken is refused by field, and leaves nothing', async () => {
  await start('snapshotLimit: 10KiB');
  const refusal = async (job: object) => (await (await daemon.post('/v1/jobs', job)).json()) as Problem;
  const nowhere = await refusal({ command: ['true'], workingDirectory: scratch, snapshot: 'git' });
  expect(nowhere).toMatchObject({
    status: 422,
    errors: [
      { pointer: '#/snapshot', detail: expect.stringMatching(/can't be taken: .* is in no git repository/) },
    ],
  });
  writeFileSync(join(project, 'data.bin'), 'x'.repeat(20_000));
  const large = await refusal({ ...training(), snapshot: 'copy' });
  expect(large.errors?.[0]?.detail).toMatch(/too large: .* 19.5 KiB already, of 10 KiB/);
  const batch = await daemon.post('/v1/jobs/batch', {
    template: { ...training(), snapshot: 'copy' },
    matrix: { a: [1] },
  });
  expect(((await batch.json()) as Problem).errors?.[0]?.pointer).toBe('#/template/snapshot');
  expect(await refusal({ ...training(), snapshot: 'zip' })).toMatchObject({
    errors: [{ pointer: '#/snapshot' }],
  });
  expect(files()).toEqual([]);
});

it('jobs of a batch share one copy; a submission that is sent twice has one', async () => {
  await start();
  const sweep = { template: { ...training(), snapshot: 'copy' }, matrix: { a: [1, 2, 3] } };
  const group = (await (
    await daemon.post('/v1/jobs/batch', sweep, { 'idempotency-key': 'once' })
  ).json()) as Group;
  await daemon.post('/v1/jobs/batch', sweep, { 'idempotency-key': 'once' });
  const { items } = (await (await daemon.request(`/v1/jobs?group=${group.id}`)).json()) as JobList;
  expect(new Set(items.map(({ code }) => code?.snapshot?.directory)).size).toBe(1);
  for (const job of items) expect(await daemon.logs(job, 'follow=true')).toBe('committed\n');
  const single = { ...training(), snapshot: 'git' };
  for (const _ of [1, 2]) await daemon.post('/v1/jobs', single, { 'idempotency-key': 'two' });
  expect(files().filter((name) => name.includes('code'))).toHaveLength(2);
});

it('a copy goes with the logs; the job can not run again then, and says so', async () => {
  await start('retention: {logs: 0.3, every: 0.1}');
  const job = await daemon.submit({ ...training(), snapshot: 'git' });
  await daemon.ended(job);
  await eventually(files, (left) => left.length === 0);
  const again = await daemon.request(`/v1/jobs/${job.id}/requeue`, { method: 'POST' });
  expect([again.status, ((await again.json()) as Problem).detail]).toEqual([
    409,
    expect.stringMatching(/The copy of its code that job 1 would run in is gone .*submit it anew/),
  ]);
});
