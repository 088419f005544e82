import { join } from 'node:path';
import type { Code } from '@berth/contract';
import { git } from './git-program.js';
import { findRepository, type Repository, withOwnGitDirectory } from './repository.js';

/** A submission waits no longer than this to hear whether anything is uncommitted. */
const PATIENCE_MS = 2000;

/** Says which code is in a directory. Never fails: what can't be found out is null. */
export class Provenance {
  /** By the top of a repository: the look that those who come now take part in; it hasn't begun. */
  private readonly next = new Map<string, Promise<boolean | null>>();
  private readonly running = new Map<string, Promise<unknown>>();

  /** @returns null: it is in no repository */
  async of(directory: string): Promise<Code | null> {
    const repository = await findRepository(directory).catch(() => null);
    if (!repository) return null;
    const { root, commit, branch, remote } = repository;
    return { root, commit, branch, remote, dirty: await this.isDirty(repository), snapshot: null };
  }

  /**
   * One look at a time for each repository, however many ask: who comes while one runs takes part in the one after it, for this one
   * may have passed by what was changed last.
   */
  private isDirty(repository: Repository): Promise<boolean | null> {
    const { root } = repository;
    const waiting = this.next.get(root);
    if (waiting) return waiting;
    const look = (this.running.get(root) ?? Promise.resolve()).then(() => {
      this.next.delete(root);
      const now = isDirty(repository);
      this.running.set(root, now);
      void now.finally(() => {
        if (this.running.get(root) === now) this.running.delete(root);
      });
      return now;
    });
    this.next.set(root, look);
    return look;
  }
}

/** null: git can't say, or not in time. */
function isDirty(repository: Repository): Promise<boolean | null> {
  const status = [
    'status',
    '--porcelain',
    '-z',
    '--untracked-files=normal',
    '--ignore-submodules=all',
    '--no-renames',
  ];
  return withOwnGitDirectory(repository, async (gitDirectory) => {
    const index = join(repository.gitDirectory, 'index');
    const places = { gitDirectory, workTree: repository.root, index };
    return (await git(places, status, PATIENCE_MS)).length > 0;
  }).catch(() => null);
}
