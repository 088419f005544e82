import { chmodSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type HeldLock, isLocked, tryLock } from '@berth/task-shim';
import { dataDirectory, liveTasks } from './data-directory.js';

/** Who uses a device. */
export interface Claimant {
  dataDirectory: string;
  /** Of the worker that wrote this; it may be gone. */
  pid: number;
}

/** World-writable on most systems and meant for locks; otherwise what always is. */
const PLACES = ['/run/lock', '/tmp'];
const STICKY_FOR_ALL = 0o1002;

/**
 * Takes a device for a data directory, before all others of this host, whoever they run as: by a lock in a place that all
 * share. The device's worker holds it for as long as it lives.
 * @returns null: another worker has it
 * @throws LockError where the place can't be written to
 */
export function claimDevice(device: string, dataDirectory: string): HeldLock | null {
  const file = claimFile(device);
  makeForAll(file);
  const lock = tryLock(file);
  if (!lock) return null;
  truncateSync(file);
  writeFileSync(file, JSON.stringify({ dataDirectory, pid: process.pid } satisfies Claimant), { flag: 'r+' });
  return lock;
}

/** The Berth of another data directory that uses a device: by a worker, or by tasks that outlived it. null: there is none. */
export function otherClaimant(device: string, own: string): Claimant | null {
  const file = claimFile(device);
  const claimant = read(file);
  if (!claimant || claimant.dataDirectory === own) return null;
  return isLocked(file) || hasTasks(claimant) ? claimant : null;
}

/** A simulation's devices are those of its state file: two with the same UUIDs have nothing in common. */
function claimFile(device: string): string {
  const name = `berth-${device.replaceAll('/', '-')}.lock`;
  const simulation = process.env.BERTH_SIMULATED_STATE;
  if (simulation) return `${simulation}.${name}`;
  return join(PLACES.find(isForAll) ?? '/tmp', name);
}

function isForAll(folder: string): boolean {
  const mode = statSync(folder, { throwIfNoEntry: false })?.mode ?? 0;
  return (mode & STICKY_FOR_ALL) === STICKY_FOR_ALL;
}

function makeForAll(file: string): void {
  try {
    writeFileSync(file, '', { flag: 'wx' });
    chmodSync(file, 0o666);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}

function read(file: string): Claimant | null {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Claimant;
  } catch {
    return null; // Nobody has ever claimed it, or somebody is just about to.
  }
}

function hasTasks(claimant: Claimant): boolean {
  try {
    return liveTasks(dataDirectory(claimant.dataDirectory)).length > 0;
  } catch {
    return false; // Another user's, or it is gone.
  }
}
