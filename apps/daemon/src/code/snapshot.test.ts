import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Provenance } from './provenance.js';
import { Snapshots } from './snapshot.js';

let scratch: string;
let repository: string;
beforeEach(() => {
  scratch = mkdtempSync(join(tmpdir(), 'berth-code-'));
  repository = join(scratch, 'project');
  mkdirSync(join(repository, 'src'), { recursive: true });
});
afterEach(() => rmSync(scratch, { recursive: true }));

const git = (...argv: string[]) =>
  execFileSync('git', ['-C', repository, '-c', 'user.name=a', '-c', 'user.email=a@b', ...argv], {
    encoding: 'utf8',
  }).trim();
const put = (name: string, text: string) => writeFileSync(join(repository, name), text);
const provenance = () => new Provenance();
const take = (mode: 'git' | 'copy', directory = repository, limit = 1e6) =>
  new Snapshots(provenance(), limit).take(directory, mode, {
    owner: 'job_1',
    folder: join(scratch, 'job_1.code'),
  });
const copied = (name: string) => readFileSync(join(scratch, 'job_1.code/tree', name), 'utf8');
const listed = () => (readdirSync(join(scratch, 'job_1.code/tree'), { recursive: true }) as string[]).sort();

function commitAll(): string {
  git('init', '-q', '-b', 'main');
  git('add', '-A');
  git('commit', '-q', '-m', 'first');
  return git('rev-parse', 'HEAD');
}

describe('what a job records of its code', () => {
  it('is nothing where there is no repository', async () => {
    expect(await provenance().of(repository)).toBeNull();
  });

  it('is commit, branch, remote without credentials, and whether anything is uncommitted', async () => {
    put('a.py', '1');
    const commit = commitAll();
    git('remote', 'add', 'origin', 'https://ada:geheim@host/code.git');
    const clean = {
      root: repository,
      commit,
      branch: 'main',
      remote: 'https://host/code.git',
      snapshot: null,
    };
    expect(await provenance().of(join(repository, 'src'))).toEqual({ ...clean, dirty: false });
    put('new.py', '2');
    expect(await provenance().of(repository)).toEqual({ ...clean, dirty: true });
  });

  it('is there for packed branches, a detached HEAD, other work trees, and a repository without commits', async () => {
    git('init', '-q', '-b', 'main');
    expect(await provenance().of(repository)).toMatchObject({ commit: null, branch: 'main', dirty: false });
    put('a.py', '1');
    const commit = commitAll();
    git('pack-refs', '--all');
    expect(await provenance().of(repository)).toMatchObject({ commit, branch: 'main', dirty: false });
    git('worktree', 'add', '-q', '-b', 'other', join(scratch, 'other'));
    expect(await provenance().of(join(scratch, 'other'))).toMatchObject({
      commit,
      branch: 'other',
      dirty: false,
    });
    git('checkout', '-q', '--detach');
    expect(await provenance().of(repository)).toMatchObject({ commit, branch: null, dirty: false });
  });

  it('sees a change that was made just before it was asked, however many ask at once', async () => {
    put('a.py', '1');
    commitAll();
    const one = provenance();
    const before = Promise.all([one.of(repository), one.of(repository)]);
    await before;
    put('a.py', '22');
    const after = await Promise.all(Array.from({ length: 50 }, () => one.of(repository)));
    expect(new Set(after.map((code) => code?.dirty))).toEqual(new Set([true]));
  });
});

describe('a copy by git', () => {
  it('has every file as it is now, but for ignored and deleted ones; the diff makes it from the commit', async () => {
    put('a.py', 'old\n');
    put('gone.py', 'gone');
    put('.gitignore', '*.log\n');
    put('src/run.sh', '#!/bin/sh\n');
    chmodSync(join(repository, 'src/run.sh'), 0o755);
    const commit = commitAll();
    put('a.py', 'new\n');
    put('src/ünew file.py', 'untracked\n');
    put('big.log', 'ignored');
    symlinkSync('a.py', join(repository, 'link.py'));
    rmSync(join(repository, 'gone.py'));
    const before = git('status', '--porcelain');

    const code = await take('git', join(repository, 'src'));
    expect(code).toMatchObject({
      commit,
      dirty: true,
      snapshot: { files: 5, owner: 'job_1', directory: join(scratch, 'job_1.code/tree/src') },
    });
    expect(listed()).toEqual(['.gitignore', 'a.py', 'link.py', 'src', 'src/run.sh', 'src/ünew file.py']);
    expect(copied('a.py')).toBe('new\n');
    expect(lstatSync(join(scratch, 'job_1.code/tree/link.py')).isSymbolicLink()).toBe(true);
    expect(lstatSync(join(scratch, 'job_1.code/tree/src/run.sh')).mode & 0o111).toBe(0o111);
    expect(git('status', '--porcelain')).toBe(before);

    git('stash', '-q', '-u');
    git('apply', code.snapshot?.changes as string);
    expect(git('status', '--porcelain')).toBe(before);
  });

  it('of what is all committed has no diff', async () => {
    put('a.py', '1');
    commitAll();
    expect(await take('git')).toMatchObject({
      dirty: false,
      snapshot: { files: 1, bytes: 1, changes: null },
    });
  });

  it('is refused where there is no repository or no commit, and leaves nothing behind', async () => {
    await expect(take('git')).rejects.toThrow(/is in no git repository; use "copy"/);
    git('init', '-q');
    await expect(take('git')).rejects.toThrow(/has no commit yet/);
    expect(readdirSync(scratch)).toEqual(['project']);
  });

  it('runs nothing that the repository names: no filter, hook, monitor, diff or signing program', async () => {
    put('a.py', '1');
    put('.gitattributes', '* filter=evil diff=evil\n');
    commitAll();
    const trap = join(scratch, 'trap.sh');
    writeFileSync(trap, `#!/bin/sh\ntouch ${scratch}/trapped\ncat\n`, { mode: 0o755 });
    for (const name of [
      'filter.evil.clean',
      'filter.evil.smudge',
      'filter.evil.process',
      'core.fsmonitor',
      'diff.external',
      'diff.evil.command',
      'diff.evil.textconv',
      'core.sshCommand',
      'core.pager',
    ])
      git('config', name, trap);
    git('config', 'core.hooksPath', scratch);
    for (const hook of ['post-index-change', 'post-checkout', 'pre-commit'])
      writeFileSync(join(scratch, hook), `#!/bin/sh\ntouch ${scratch}/trapped\n`, { mode: 0o755 });
    // The same size at another time: git has to look inside.
    put('a.py', '2');
    expect(await provenance().of(repository)).toMatchObject({ dirty: true });
    expect(await take('git')).toMatchObject({ dirty: true });
    expect(copied('a.py')).toBe('2');
    expect(existsSync(join(scratch, 'trapped'))).toBe(false);
  });
});

describe('a copy of the tree', () => {
  it('needs no repository, and keeps out what .berthignore says', async () => {
    put('a.py', '1');
    put('data.bin', '2'.repeat(100));
    put('.berthignore', '*.bin\n');
    const code = await take('copy');
    expect(code).toMatchObject({
      root: repository,
      commit: null,
      dirty: null,
      snapshot: { files: 2, changes: null },
    });
    expect(listed()).toEqual(['.berthignore', 'a.py']);
  });

  it.each(['git', 'copy'] as const)('by %s has the files of repositories inside it', async (mode) => {
    put('a.py', '1');
    commitAll();
    const inner = join(repository, 'inner');
    mkdirSync(inner);
    execFileSync('git', ['-C', inner, 'init', '-q']);
    writeFileSync(join(inner, 'b.py'), '2');
    expect(await take(mode)).toMatchObject({ dirty: true, snapshot: { files: 2, changes: null } });
    expect(listed()).toContain('inner/b.py');
  });

  it('that is too large is refused with figures, and names the largest', async () => {
    put('a.py', '1');
    put('weights.pt', 'x'.repeat(2000));
    await expect(take('copy', repository, 1024)).rejects.toThrow(
      /2 KiB already, of 1 KiB .*snapshotLimit.*weights.pt alone has 2 KiB/,
    );
    expect(readdirSync(scratch)).toEqual(['project']);
  });
});
