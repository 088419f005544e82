import { execFile } from 'node:child_process';
import { readdirSync, rmSync } from 'node:fs';
import { lstat, readdir, rm, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { JobId } from '@berth/contract';
import type { Removal } from '../ledger/retention.js';

const AT_ONCE = 16;

/** How much the tasks and the code of each job take on disk, in bytes. A file that goes meanwhile counts as none. */
export async function bytesByJob(folder: string): Promise<Map<JobId, number>> {
  const bytes = new Map<JobId, number>();
  const names = (await readdir(folder)).filter((name) => /\.(code\d*|\d+\.\d+)$/.test(name));
  for (let i = 0; i < names.length; i += AT_ONCE) {
    await Promise.all(
      names.slice(i, i + AT_ONCE).map(async (name) => {
        const [job = ''] = name.split('.');
        const size = await bytesOf(join(folder, name));
        bytes.set(job as JobId, (bytes.get(job as JobId) ?? 0) + size);
      }),
    );
  }
  return bytes;
}

async function bytesOf(path: string): Promise<number> {
  const entry = await lstat(path).catch(() => null);
  if (!entry) return 0;
  let bytes = entry.blocks * 512;
  if (!entry.isDirectory()) return bytes;
  for (const name of await readdir(path).catch(() => [])) bytes += await bytesOf(join(path, name));
  return bytes;
}

/** Removes files of jobs: all that a job has, or the folders of its first attempts and the copy of its code. */
export async function removeFiles(folder: string, removals: readonly Removal[]): Promise<void> {
  /** Up to which attempt the folders go; there may be several removals of one job. */
  const upTo = new Map<string, number>();
  for (const { job, attempts } of removals)
    upTo.set(job, Math.max(upTo.get(job) ?? 0, attempts ?? Number.POSITIVE_INFINITY));
  for (const name of await readdir(folder)) {
    const [job = '', what = ''] = name.split('.');
    const last = upTo.get(job);
    if (last === undefined) continue;
    const goes =
      last === Number.POSITIVE_INFINITY ||
      what.startsWith('code') ||
      (/^\d+$/.test(what) && Number(what) <= last);
    if (goes) await removeEntry(join(folder, name));
  }
}

/**
 * What lies in a folder of another account is removed as that account: it could put a link in our way while we are at it, and have
 * us remove what is others'.
 */
async function removeEntry(path: string): Promise<void> {
  const entry = await lstat(path).catch(() => null);
  if (entry?.isDirectory() && entry.uid !== process.getuid?.() && process.getuid?.() === 0) {
    const { uid, gid } = entry;
    await promisify(execFile)('find', [path, '-mindepth', '1', '-delete'], { uid, gid, cwd: '/' });
    await rmdir(path);
  } else await rm(path, { recursive: true, force: true, maxRetries: 3 });
}

/** Removes copies of code that were being made when the daemon was killed. To be called while none is made. */
export function removeUnfinished(folder: string): void {
  for (const name of readdirSync(folder).filter((each) => /\.code\d*\.new$/.test(each)))
    rmSync(join(folder, name), { recursive: true, force: true });
}
