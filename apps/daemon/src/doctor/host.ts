import { accessSync, constants, readdirSync, statfsSync, statSync } from 'node:fs';
import { type Finding, formatBytes } from '@berth/contract';
import type { DataDirectory } from '../data-directory.js';
import { findingsOf } from './finding.js';

const { ok, note, warning, problem } = findingsOf('host');

const LITTLE_DISK_BYTES = 2 ** 30;
/** DataLoader workers hand batches over in shared memory; Docker gives 64 MiB of it by default. */
const LITTLE_SHARED_MEMORY_BYTES = 2 ** 30;

export interface HostFacts {
  directory: string;
  /** Permission bits; null: it isn't there. */
  directoryMode: number | null;
  tokenMode: number | null;
  freeDiskBytes: number | null;
  sharedMemoryBytes: number | null;
  /** Device files of NVIDIA's that this user may not open. */
  closedDeviceFiles: string[];
}

export function examineHost({ root, token }: DataDirectory): HostFacts {
  return {
    directory: root,
    directoryMode: modeOf(root),
    tokenMode: modeOf(token),
    freeDiskBytes: sizeOf(root, ({ bavail, bsize }) => bavail * bsize),
    sharedMemoryBytes: sizeOf('/dev/shm', ({ blocks, bsize }) => blocks * bsize),
    closedDeviceFiles: deviceFiles().filter((file) => !mayOpen(file)),
  };
}

export function judgeHost(facts: HostFacts): Finding[] {
  const findings: Finding[] = [];
  const { directory, directoryMode, tokenMode, freeDiskBytes, sharedMemoryBytes, closedDeviceFiles } = facts;
  if (directoryMode === null)
    findings.push(note('data-directory', `the data directory ${directory} is not there yet`));
  else if (directoryMode & 0o077)
    findings.push(
      problem(
        'data-directory',
        `others may look into the data directory ${directory} (mode ${octal(directoryMode)})`,
        `chmod 700 ${directory}`,
      ),
    );
  else findings.push(ok('data-directory', `the data directory ${directory} is its owner's alone`));
  if (tokenMode !== null && tokenMode & 0o077)
    findings.push(
      problem(
        'token',
        `others may read the token (mode ${octal(tokenMode)}), and so run commands as you`,
        `chmod 600 ${directory}/token; to make a new one, remove it and restart berthd`,
      ),
    );
  if (freeDiskBytes !== null) {
    const free = `${formatBytes(freeDiskBytes)} are free where logs and the ledger are kept`;
    findings.push(
      freeDiskBytes < LITTLE_DISK_BYTES
        ? problem('disk', free, 'Make room: without it neither jobs nor logs can be written down')
        : ok('disk', free),
    );
  }
  if (sharedMemoryBytes !== null && sharedMemoryBytes < LITTLE_SHARED_MEMORY_BYTES)
    findings.push(
      warning(
        'shared-memory',
        `/dev/shm has ${formatBytes(sharedMemoryBytes)}: DataLoader workers fail with 'bus error' when it is full`,
        'In a container: --shm-size=8g or --ipc=host; else mount -o remount,size=50% /dev/shm',
      ),
    );
  if (closedDeviceFiles.length > 0)
    findings.push(
      problem(
        'device-files',
        `this user may not open ${closedDeviceFiles.join(', ')}`,
        'Add the user to the group of these files (ls -l /dev/nvidia*), and start berthd anew',
      ),
    );
  return findings;
}

function modeOf(path: string): number | null {
  try {
    return statSync(path).mode & 0o777;
  } catch {
    return null;
  }
}

function sizeOf(
  path: string,
  of: (status: { bavail: number; blocks: number; bsize: number }) => number,
): number | null {
  try {
    return of(statfsSync(path));
  } catch {
    return null;
  }
}

function deviceFiles(): string[] {
  try {
    return readdirSync('/dev')
      .filter((name) => /^nvidia(\d+|ctl|-uvm)$/.test(name))
      .map((name) => `/dev/${name}`);
  } catch {
    return [];
  }
}

function mayOpen(file: string): boolean {
  try {
    accessSync(file, constants.R_OK | constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

const octal = (mode: number): string => `0${mode.toString(8)}`;
