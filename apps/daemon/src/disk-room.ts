import { statfsSync } from 'node:fs';
import { formatBytes } from '@berth/contract';

/** For records, a script and the first words of a log. */
const NEEDED_BYTES = 1 << 20;

/** Why a folder's disk has no room for one more task, with what to do; null: it has. */
export function whyNoRoom(folder: string): string | null {
  const { bavail, bsize } = statfsSync(folder);
  const free = bavail * bsize;
  if (free >= NEEDED_BYTES) return null;
  return `the disk of ${folder} is full (${formatBytes(free)} free): make room there`;
}

/** @throws Error where a folder's disk has no room for one more task */
export function checkRoom(folder: string): void {
  const why = whyNoRoom(folder);
  if (why !== null) throw new Error(why);
}
