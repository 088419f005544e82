import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { JobId } from '@berth/contract';
import type { Removal } from '../ledger/retention.js';
import { removeEntry } from '../removal.js';

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

/** Removes copies of code that were being made when the daemon was killed. To be called while none is made. */
export async function removeUnfinished(folder: string): Promise<void> {
  const unfinished = (await readdir(folder)).filter((name) => /\.code\d*\.new$/.test(name));
  for (const name of unfinished) await removeEntry(join(folder, name));
}
