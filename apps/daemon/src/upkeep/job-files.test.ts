import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { bytesByJob, removeFiles, removeUnfinished } from './job-files.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'berth-job-files-'));
  for (const name of [
    'job_a.1.0',
    'job_a.2.0',
    'job_a.2.1',
    'job_a.code',
    'job_b.1.0',
    'grp_c.code1',
    'grp_c.code.new',
  ])
    mkdirSync(join(folder, name));
  writeFileSync(join(folder, 'job_a.checkpoint'), 'saved');
  writeFileSync(join(folder, 'job_b.1.0', 'output.0'), 'x'.repeat(10_000));
});
afterEach(() => rmSync(folder, { recursive: true }));
const left = () => readdirSync(folder).sort();

it('logs go up to an attempt, with the copy of the code; several removals of one job add up, in any order', async () => {
  const removals = [
    { job: 'job_a', attempts: 1 },
    { job: 'job_a', attempts: 0 },
  ];
  await removeFiles(folder, removals);
  expect(left()).toEqual([
    'grp_c.code.new',
    'grp_c.code1',
    'job_a.2.0',
    'job_a.2.1',
    'job_a.checkpoint',
    'job_b.1.0',
  ]);
});

it('all files of a job or group go, and of no other', async () => {
  await removeFiles(folder, [
    { job: 'job_a', attempts: null },
    { job: 'job_a', attempts: 1 },
    { job: 'grp_c', attempts: null },
  ]);
  expect(left()).toEqual(['job_b.1.0']);
});

it('what is on disk is counted by job, but for checkpoints', async () => {
  const bytes = await bytesByJob(folder);
  expect([...bytes.keys()].sort()).toEqual(['grp_c', 'job_a', 'job_b']);
  expect(bytes.get('job_b')).toBeGreaterThanOrEqual(10_000);
});

it('copies of code that were being made are removed', async () => {
  await removeUnfinished(folder);
  expect(left()).not.toContain('grp_c.code.new');
  expect(left()).toContain('grp_c.code1');
});

it.runIf(process.getuid?.() === 0)(
  'a folder of another account is removed as that account: links in it lead nowhere',
  async () => {
    const [own, others] = [join(folder, 'job_a.own'), join(folder, 'others')];
    mkdirSync(join(own, 'deep'), { recursive: true });
    mkdirSync(others);
    writeFileSync(join(others, 'kept'), '');
    writeFileSync(join(own, 'deep', 'checkpoint'), '');
    symlinkSync(others, join(own, 'link'));
    // What is not the account's own it can't remove, so neither can we by its hand.
    for (const path of [own, join(own, 'deep'), join(own, 'deep', 'checkpoint')])
      chownSync(path, 65_534, 65_534);
    chmodSync(folder, 0o711);
    await removeFiles(folder, [{ job: 'job_a', attempts: null }]);
    expect(left().filter((name) => name.startsWith('job_a'))).toEqual([]);
    expect(readdirSync(others)).toEqual(['kept']);
  },
);
