import { constants } from 'node:fs';
import { copyFile, lstat, mkdir, readlink, stat, symlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { formatBytes, type SnapshotMode } from '@berth/contract';
import { git } from './git-program.js';
import { findRepository, withOwnGitDirectory } from './repository.js';

const AT_ONCE = 8;
const MOST_FILES = 100_000;
const IGNORE_FILE = '.berthignore';

/** A tree can't be copied; the message says why, with figures. */
export class SnapshotRefused extends Error {
  override readonly name = 'SnapshotRefused';
}

/** Unreadable files, a full disk. */
export function isAboutFiles(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && (error as NodeJS.ErrnoException).syscall !== undefined;
}

/** The files of a tree, as paths from its top. */
export interface Tree {
  root: string;
  files: string[];
  /** Of these, those that belong to it and not to a repository inside it. */
  own: string[];
  bytes: number;
}

/** Which files are meant, how much they may be, and how long git may take to list them. */
interface Listing {
  mode: SnapshotMode;
  limitBytes: number;
  limitMs: number;
}

/**
 * The files of a tree that belong to a snapshot. Repositories inside are listed by their own rules.
 * @throws SnapshotRefused (too large), GitError
 */
export async function treeOf(root: string, listing: Listing): Promise<Tree> {
  const tree: Tree = { root, files: [], own: [], bytes: 0 };
  await collect(tree, '', listing);
  return tree;
}

async function collect(tree: Tree, inside: string, listing: Listing): Promise<void> {
  const { limitBytes } = listing;
  const names = await listed(join(tree.root, inside), listing);
  for (let i = 0; i < names.length; i += AT_ONCE) {
    const batch = names.slice(i, i + AT_ONCE).map((name) => join(inside, name));
    const entries = await Promise.all(batch.map((name) => lstat(join(tree.root, name)).catch(() => null)));
    for (const [k, entry] of entries.entries()) {
      const name = batch[k] as string;
      // One that git knows, and that was deleted, is not there.
      if (entry?.isDirectory()) await collect(tree, name, listing);
      else if (entry?.isFile() || entry?.isSymbolicLink()) {
        tree.files.push(name);
        if (inside === '') tree.own.push(name);
        tree.bytes += entry.size;
      }
    }
    if (tree.bytes > limitBytes || tree.files.length > MOST_FILES) throw await tooLarge(tree, limitBytes);
  }
}

async function listed(directory: string, { mode, limitMs }: Listing): Promise<string[]> {
  const repository = await findRepository(directory);
  // A directory that git knows as a submodule, and that is empty.
  const isTop = repository?.root === directory;
  const byFile = mode === 'copy' && (await isThere(join(directory, IGNORE_FILE)));
  const argv = byFile
    ? ['ls-files', '-z', '--others', `--exclude-from=${IGNORE_FILE}`]
    : ['ls-files', '-z', '--cached', '--others', '--exclude-standard', '--deduplicate'];
  const output = await withOwnGitDirectory(isTop ? repository : null, (gitDirectory) => {
    const index = isTop && !byFile ? join(repository.gitDirectory, 'index') : join(gitDirectory, 'index');
    return git({ gitDirectory, workTree: directory, index }, argv, limitMs);
  });
  const names = output.toString('utf8').split('\0');
  return names.flatMap((name) => (name === '' ? [] : name.replace(/\/$/, '')));
}

async function isThere(file: string): Promise<boolean> {
  return stat(file).then(
    () => true,
    () => false,
  );
}

async function tooLarge({ root, files, bytes }: Tree, limitBytes: number): Promise<SnapshotRefused> {
  const sizes = await Promise.all(
    files.slice(-1000).map(async (name) => ({ name, size: (await lstat(join(root, name))).size })),
  );
  const [largest] = sizes.sort((a, b) => b.size - a.size);
  return new SnapshotRefused(
    `the tree at ${root} is too large: the first ${files.length} files have ${formatBytes(bytes)} already, of ` +
      `${formatBytes(limitBytes)} and ${MOST_FILES} files at the most (the daemon's setting snapshotLimit); ` +
      `${largest?.name} alone has ${formatBytes(largest?.size ?? 0)}. Keep data out by .gitignore or ${IGNORE_FILE}`,
  );
}

/** Copies a tree; links are copied as links. A file that goes meanwhile is left out. */
export async function copyTree({ root, files }: Tree, target: string): Promise<void> {
  for (const folder of new Set(files.map((name) => dirname(name))))
    await mkdir(join(target, folder), { recursive: true });
  for (let i = 0; i < files.length; i += AT_ONCE)
    await Promise.all(
      files.slice(i, i + AT_ONCE).map((name) => copyEntry(join(root, name), join(target, name))),
    );
}

async function copyEntry(from: string, to: string): Promise<void> {
  try {
    const link = await readlink(from).catch(() => null);
    if (link !== null) await symlink(link, to);
    else await copyFile(from, to, constants.COPYFILE_FICLONE);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}
