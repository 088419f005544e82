import { statfsSync } from 'node:fs';
import { formatBytes } from '@berth/contract';

/** For records, a script and the first words of a log. */
const NEEDED_BYTES = 1 << 20;

/** Whether a folder's disk has room for one more task. @throws Error that says how little there is */
export function checkRoom(folder: string): void {
  const { bavail, bsize } = statfsSync(folder);
  const free = bavail * bsize;
  if (free >= NEEDED_BYTES) return;
  throw new Error(`the disk of ${folder} is full (${formatBytes(free)} free): make room there`);
}
