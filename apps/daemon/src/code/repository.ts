import { copyFile, mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';

const HASH = /^[0-9a-f]{40}([0-9a-f]{24})?$/;

/** A git repository as its files say; git isn't asked, so that this costs next to nothing. */
export interface Repository {
  /** The top of its work tree. */
  root: string;
  /** Of this work tree: HEAD and index. */
  gitDirectory: string;
  /** Of all its work trees: objects, branches, settings. */
  common: string;
  /** null: it has none yet, or keeps its branches in a way that we can't read. */
  commit: string | null;
  branch: string | null;
  remote: string | null;
  hash: 'sha1' | 'sha256';
}

/** The repository that a directory is in; null: none. Unreadable ones count as none. */
export async function findRepository(directory: string): Promise<Repository | null> {
  for (let root = directory; ; root = dirname(root)) {
    const gitDirectory = await gitDirectoryAt(root);
    if (gitDirectory) return readRepository(root, gitDirectory);
    if (root === dirname(root)) return null;
  }
}

async function gitDirectoryAt(root: string): Promise<string | null> {
  const place = join(root, '.git');
  const entry = await stat(place).catch(() => null);
  if (!entry) return null;
  if (entry.isDirectory()) return (await text(join(place, 'HEAD'))) === null ? null : place;
  const named = /^gitdir: (.+)$/m.exec((await text(place)) ?? '')?.[1];
  return named === undefined ? null : resolve(root, named);
}

async function readRepository(root: string, gitDirectory: string): Promise<Repository> {
  const shared = (await text(join(gitDirectory, 'commondir')))?.trim();
  const common = shared ? resolve(gitDirectory, shared) : gitDirectory;
  const head = ((await text(join(gitDirectory, 'HEAD'))) ?? '').trim();
  const ref = /^ref: (refs\/\S+)$/.exec(head)?.[1] ?? null;
  const settings = (await text(join(common, 'config'))) ?? '';
  return {
    root,
    gitDirectory,
    common,
    commit: HASH.test(head) ? head : ref && (await commitOf(common, ref)),
    branch: ref?.replace(/^refs\/heads\//, '') ?? null,
    remote: remoteIn(settings),
    hash: /^\s*objectformat\s*=\s*sha256/im.test(settings) ? 'sha256' : 'sha1',
  };
}

async function commitOf(common: string, ref: string): Promise<string | null> {
  if (ref.split('/').includes('..')) return null;
  const loose = (await text(join(common, ref)))?.trim();
  if (loose && HASH.test(loose)) return loose;
  for (const line of ((await text(join(common, 'packed-refs'))) ?? '').split('\n')) {
    const [hash = '', name] = line.split(' ');
    if (name === ref && HASH.test(hash)) return hash;
  }
  return null;
}

function remoteIn(settings: string): string | null {
  const section = /^\s*\[remote "origin"\]([^[]*)/m.exec(settings)?.[1];
  const url = section && /^\s*url\s*=\s*(.+?)\s*$/m.exec(section)?.[1];
  return url ? withoutCredentials(url.replace(/^"(.*)"$/, '$1')) : null;
}

/** Names and passwords of web addresses go; `git@host:path` keeps its name, which is no secret. */
export function withoutCredentials(url: string): string {
  const bare = url.replace(/[?#].*$/s, '');
  if (/^ssh:\/\//i.test(bare)) return bare.replace(/^(ssh:\/\/[^:@/]*):[^/]*@/i, '$1@');
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(bare)) return bare.replace(/^([a-z][a-z0-9+.-]*:\/\/)[^/]*@/i, '$1');
  return bare.replace(/^([^:@/]*):[^@/]*@/, '$1@');
}

/**
 * Makes a git directory of our own that has a repository's objects and none of its settings, for as long as `use` takes: settings
 * name programs (filters, monitors, hooks), and whose they are nobody knows. With none, the objects are empty.
 */
export async function withOwnGitDirectory<T>(
  repository: Repository | null,
  use: (gitDirectory: string) => Promise<T>,
): Promise<T> {
  const own = await mkdtemp(join(tmpdir(), 'berth-git-'));
  try {
    await mkdir(join(own, 'objects', 'info'), { recursive: true });
    await Promise.all([mkdir(join(own, 'refs')), mkdir(join(own, 'info'))]);
    const extension = repository?.hash === 'sha256' ? '[extensions]\n\tobjectformat = sha256\n' : '';
    const version = extension ? 1 : 0;
    await writeFile(
      join(own, 'config'),
      `[core]\n\trepositoryformatversion = ${version}\n\tbare = false\n${extension}`,
    );
    await writeFile(join(own, 'HEAD'), `${repository?.commit ?? 'ref: refs/heads/none'}\n`);
    if (repository) {
      const objects = join(repository.common, 'objects');
      await writeFile(join(own, 'objects', 'info', 'alternates'), `${JSON.stringify(objects)}\n`);
      const excluded = join(repository.common, 'info', 'exclude');
      await copyFile(excluded, join(own, 'info', 'exclude')).catch(() => undefined);
    }
    return await use(own);
  } finally {
    await rm(own, { recursive: true, force: true });
  }
}

async function text(file: string): Promise<string | null> {
  return readFile(file, 'utf8').catch(() => null);
}
