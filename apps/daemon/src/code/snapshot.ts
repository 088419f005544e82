import { copyFile, mkdir, readFile, realpath, rename, rm, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import type { Code, SnapshotMode } from '@berth/contract';
import { git } from './git-program.js';
import type { Provenance } from './provenance.js';
import { findRepository, type Repository, withOwnGitDirectory } from './repository.js';
import { copyTree, SnapshotRefused, treeOf } from './tree.js';

const LIMIT_MS = 20_000;

/** Whose a copy is, and where. */
export interface Place {
  owner: string;
  folder: string;
}

/** Copies code aside, one tree at a time: what two at once would gain, jobs would lose. */
export class Snapshots {
  private readonly provenance: Provenance;
  private readonly limitBytes: number;
  private last: Promise<unknown> = Promise.resolve();

  constructor(provenance: Provenance, limitBytes: number) {
    this.provenance = provenance;
    this.limitBytes = limitBytes;
  }

  /**
   * Copies the tree that a directory is in.
   * @param place where to; a copy that is there already is taken as it is
   * @throws SnapshotRefused, GitError
   */
  take(directory: string, mode: SnapshotMode, { owner, folder }: Place): Promise<Code> {
    const taken = this.last.then(() => this.takeNow(directory, mode, { owner, folder }));
    this.last = taken.catch(() => undefined);
    return taken;
  }

  private async takeNow(directory: string, mode: SnapshotMode, { owner, folder }: Place): Promise<Code> {
    const there = await readFile(join(folder, 'code.json'), 'utf8').catch(() => null);
    if (there !== null) return JSON.parse(there) as Code;
    const place = await realpath(directory);
    const repository = await findRepository(place);
    if (mode === 'git') checkRepository(repository, directory);
    const root = repository?.root ?? place;
    const known = await this.provenance.of(place);
    const tree = await treeOf(root, mode, this.limitBytes, LIMIT_MS);
    const unfinished = `${folder}.new`;
    try {
      await mkdir(join(unfinished, 'tree'), { recursive: true, mode: 0o700 });
      await copyTree(tree, join(unfinished, 'tree'));
      const inside = relative(root, place);
      await mkdir(join(unfinished, 'tree', inside), { recursive: true });
      const changes = mode === 'git' ? await changesOf(repository as Repository, tree.own) : null;
      if (changes) await writeFile(join(unfinished, 'changes.diff'), changes);
      const snapshot = {
        owner,
        directory: join(folder, 'tree', inside),
        files: tree.files.length,
        bytes: tree.bytes,
        changes: changes ? join(folder, 'changes.diff') : null,
      };
      const dirty = changes ? true : (known?.dirty ?? null);
      const unknown = { root, commit: null, branch: null, remote: null };
      const code = { ...unknown, ...known, dirty, snapshot };
      await writeFile(join(unfinished, 'code.json'), JSON.stringify(code));
      await rename(unfinished, folder);
      return code;
    } catch (error) {
      await rm(unfinished, { recursive: true, force: true });
      throw error;
    }
  }
}

function checkRepository(repository: Repository | null, directory: string): void {
  if (!repository)
    throw new SnapshotRefused(`${directory} is in no git repository; use "copy", or git init and commit`);
  if (!repository.commit)
    throw new SnapshotRefused(
      `the git repository at ${repository.root} has no commit yet; commit, or use "copy"`,
    );
}

/** All that isn't committed, new files included, as a diff; null: nothing. */
async function changesOf(repository: Repository, files: readonly string[]): Promise<Buffer | null> {
  const diff = await withOwnGitDirectory(repository, async (gitDirectory) => {
    const places = { gitDirectory, workTree: repository.root, index: join(gitDirectory, 'index') };
    await copyFile(join(repository.gitDirectory, 'index'), places.index).catch(() => undefined);
    await git(places, ['add', '--update', '--', '.'], LIMIT_MS);
    await git(places, ['update-index', '--add', '-z', '--stdin'], LIMIT_MS, files.join('\0'));
    const tree = (await git(places, ['write-tree'], LIMIT_MS)).toString('utf8').trim();
    const options = ['--binary', '--full-index', '--no-ext-diff', '--no-textconv', '--no-renames'];
    return git(places, ['diff', ...options, repository.commit as string, tree], LIMIT_MS);
  });
  return diff.length > 0 ? diff : null;
}
