import { copyFile, mkdir, realpath, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { CodeSchema, SnapshotModeSchema } from '@berth/contract';
import { z } from 'zod';
import { git } from './git-program.js';
import type { Provenance } from './provenance.js';
import { findRepository, type Repository, withOwnGitDirectory } from './repository.js';
import { copyTree, SnapshotRefused, treeOf } from './tree.js';

const LIMIT_MS = 20_000;
export const TREE = 'tree';
export const CHANGES = 'changes.diff';

export const CopyRequestSchema = z.object({
  /** The tree that this directory is in. */
  directory: z.string(),
  mode: SnapshotModeSchema,
  limitBytes: z.number(),
  /** A folder that is there, and empty; it gets the tree, and the diff of what is not committed. */
  target: z.string(),
});
export type CopyRequest = z.infer<typeof CopyRequestSchema>;

export const CopiedSchema = CodeSchema.omit({ snapshot: true }).extend({
  /** The directory that was asked for, as it lies in the tree. */
  inside: z.string().refine((path) => !path.startsWith('/') && !path.split('/').includes('..')),
  files: z.int().nonnegative(),
  bytes: z.int().nonnegative(),
  hasChanges: z.boolean(),
});
export type Copied = z.infer<typeof CopiedSchema>;

/** Copies the tree that a directory is in. @throws SnapshotRefused, GitError, what the file system throws */
export async function copyCode(
  { directory, mode, limitBytes, target }: CopyRequest,
  provenance: Provenance,
): Promise<Copied> {
  const place = await realpath(directory);
  const repository = await findRepository(place);
  if (mode === 'git') checkRepository(repository, directory);
  const root = repository?.root ?? place;
  const known = await provenance.of(place);
  const tree = await treeOf(root, { mode, limitBytes, limitMs: LIMIT_MS });
  const inside = relative(root, place);
  await mkdir(join(target, TREE, inside), { recursive: true });
  await copyTree(tree, join(target, TREE));
  const changes = mode === 'git' ? await changesOf(repository as Repository, tree.own) : null;
  if (changes) await writeFile(join(target, CHANGES), changes);
  return {
    root,
    commit: known?.commit ?? null,
    branch: known?.branch ?? null,
    remote: known?.remote ?? null,
    dirty: changes ? true : (known?.dirty ?? null),
    inside,
    files: tree.files.length,
    bytes: tree.bytes,
    hasChanges: changes !== null,
  };
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
