import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { DataDirectory } from './data-directory.js';

/** Folders below a checkpointPath are looked into so deep, and so many entries in all. */
const DEPTH = 4;
const ENTRIES = 10_000;
/** A network file system that hangs must not keep a signal from being sent. */
const PATIENCE_MS = 3000;

/** When something was last changed, and what. */
export interface Change {
  path: string;
  /** ms since the epoch, as the file system counts them. */
  at: number;
}

/** Where a job leaves something for its next attempt; in a folder of its account's, which may rename there. */
export function checkpointFile(directories: DataDirectory, job: string, account: string | null): string {
  return account === null ? directories.checkpointFile(job) : join(directories.ownFolder(job), 'checkpoint');
}

/** Where a job writes its checkpoints, as far as it has said so. */
export function checkpointPlaces(
  directories: DataDirectory,
  job: string,
  { account, checkpointPath }: { account: string | null; checkpointPath: string | null },
): string[] {
  const file = checkpointFile(directories, job, account);
  return checkpointPath === null ? [file] : [checkpointPath, file];
}

/** The newest file in these places, files or folders; null: there is none. */
export async function newestChange(places: readonly string[]): Promise<Change | null> {
  let newest: Change | null = null;
  let entries = 0;
  const look = async (path: string, depth: number): Promise<void> => {
    entries += 1;
    if (entries > ENTRIES) return;
    const found = await stat(path).catch(() => null);
    if (found?.isDirectory()) {
      if (depth === 0) return;
      for (const name of await readdir(path).catch(() => [])) await look(join(path, name), depth - 1);
    } else if (found && found.mtimeMs > (newest?.at ?? 0)) newest = { path, at: found.mtimeMs };
  };
  const all = async (): Promise<void> => {
    for (const place of places) await look(place, DEPTH);
  };
  await Promise.race([all(), sleep(PATIENCE_MS, undefined, { ref: false })]);
  return newest;
}
