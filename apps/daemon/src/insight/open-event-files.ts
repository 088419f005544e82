import { readdir, readlink, stat } from 'node:fs/promises';
import { basename } from 'node:path';

/** As TensorBoard's writers name them: `events.out.tfevents.<seconds>.<host>…`. */
const NAME = /(?:^|\.)tfevents\.[^/]*$/;

/** A file that a process has open, and which one it is whatever its path leads to later. */
export interface FoundFile {
  path: string;
  device: number;
  inode: number;
}

/** The event files of TensorBoard that processes have open, by the time in their names. What can't be seen is left out. */
export async function openEventFiles(pids: readonly number[]): Promise<FoundFile[]> {
  const found = new Map<string, FoundFile>();
  for (const pid of pids) {
    const folder = `/proc/${pid}/fd`;
    for (const descriptor of await readdir(folder).catch(() => [])) {
      const link = `${folder}/${descriptor}`;
      const path = await readlink(link).catch(() => '');
      if (!NAME.test(path)) continue;
      const file = await stat(link).catch(() => null);
      if (!file?.isFile()) continue;
      found.set(`${file.dev}:${file.ino}`, { path, device: file.dev, inode: file.ino });
    }
  }
  return [...found.values()].sort((one, other) => (basename(one.path) < basename(other.path) ? -1 : 1));
}
