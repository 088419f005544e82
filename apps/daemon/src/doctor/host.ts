import { access, constants, readdir, readFile, stat, statfs } from 'node:fs/promises';
import { type Finding, formatBytes } from '@berth/contract';
import type { DataDirectory } from '../data-directory.js';
import { findingsOf } from './finding.js';

const { ok, note, warning, problem } = findingsOf('host');

const LITTLE_DISK_BYTES = 2 ** 30;
/** DataLoader workers hand batches over in shared memory; Docker gives 64 MiB of it by default. */
const LITTLE_SHARED_MEMORY_BYTES = 2 ** 30;

/** A DataLoader worker takes some for each batch that it hands over; 1024 is what many systems give. */
const FEW_OPEN_FILES = 4096;

export interface HostFacts {
  directory: string;
  /** Permission bits; null: it isn't there. */
  directoryMode: number | null;
  tokenMode: number | null;
  freeDiskBytes: number | null;
  sharedMemoryBytes: number | null;
  /** Device files of NVIDIA's, such as `/dev/nvidia0`, and those of them that this user may not open. */
  deviceFiles: string[];
  closedDeviceFiles: string[];
  /** How many files a job may have open. */
  openFiles: number | null;
}

export async function examineHost({ root, token }: DataDirectory): Promise<HostFacts> {
  const files = await deviceFiles();
  const closed = await Promise.all(files.map(async (file) => ((await mayOpen(file)) ? [] : [file])));
  return {
    directory: root,
    directoryMode: await modeOf(root),
    tokenMode: await modeOf(token),
    freeDiskBytes: await sizeOf(root, ({ bavail, bsize }) => bavail * bsize),
    sharedMemoryBytes: await sizeOf('/dev/shm', ({ blocks, bsize }) => blocks * bsize),
    deviceFiles: files,
    closedDeviceFiles: closed.flat(),
    openFiles: await openFilesLimit(),
  };
}

export function judgeHost(facts: HostFacts): Finding[] {
  return [
    judgeDataDirectory(facts),
    ...judgeToken(facts),
    ...judgeDisk(facts),
    ...judgeSharedMemory(facts),
    ...judgeOpenFiles(facts),
    ...judgeDeviceFiles(facts),
  ];
}

function judgeDataDirectory({ directory, directoryMode }: HostFacts): Finding {
  if (directoryMode === null)
    return note('data-directory', `the data directory ${directory} is not there yet`);
  // To pass through is all that others need for the socket, and for what belongs to the accounts that jobs run as.
  if (directoryMode & 0o066)
    return problem(
      'data-directory',
      `others may look into the data directory ${directory} (mode ${octal(directoryMode)})`,
      `chmod go-rw ${directory}`,
    );
  const others = directoryMode & 0o011 ? '; others may pass through to its socket' : '';
  return ok('data-directory', `only its owner may look into the data directory ${directory}${others}`);
}

function judgeToken({ directory, tokenMode }: HostFacts): Finding[] {
  if (tokenMode === null) return [];
  if (tokenMode & 0o077)
    return [
      problem(
        'token',
        `others may read the token (mode ${octal(tokenMode)}), and so run commands as you`,
        `chmod 600 ${directory}/token; to make a new one, remove it and restart berthd`,
      ),
    ];
  return [ok('token', `nobody else may read the token (mode ${octal(tokenMode)})`)];
}

function judgeDisk({ freeDiskBytes }: HostFacts): Finding[] {
  if (freeDiskBytes === null) return [];
  const free = `${formatBytes(freeDiskBytes)} are free where logs and the ledger are kept`;
  return [
    freeDiskBytes < LITTLE_DISK_BYTES
      ? problem('disk', free, 'Make room: without it neither jobs nor logs can be written down')
      : ok('disk', free),
  ];
}

function judgeSharedMemory({ sharedMemoryBytes }: HostFacts): Finding[] {
  if (sharedMemoryBytes === null) return [];
  const size = `/dev/shm has ${formatBytes(sharedMemoryBytes)}`;
  return [
    sharedMemoryBytes < LITTLE_SHARED_MEMORY_BYTES
      ? warning(
          'shared-memory',
          `${size}: DataLoader workers fail with 'bus error' when it is full`,
          'In a container: --shm-size=8g or --ipc=host; else mount -o remount,size=50% /dev/shm',
        )
      : ok('shared-memory', `${size} for DataLoader workers`),
  ];
}

function judgeOpenFiles({ openFiles }: HostFacts): Finding[] {
  if (openFiles === null) return [];
  return [
    openFiles < FEW_OPEN_FILES
      ? warning(
          'open-files',
          `a job may have ${openFiles} files open: with many DataLoader workers it fails with 'Too many open files'`,
          'Start berthd with a higher limit: ulimit -n 65536, or LimitNOFILE=65536 in its systemd unit',
        )
      : ok('open-files', `a job may have ${openFiles} files open`),
  ];
}

function judgeDeviceFiles({ deviceFiles, closedDeviceFiles }: HostFacts): Finding[] {
  if (deviceFiles.length === 0) return [];
  const findings: Finding[] = [];
  if (closedDeviceFiles.length > 0)
    findings.push(
      problem(
        'device-files',
        `this user may not open ${closedDeviceFiles.join(', ')}`,
        'Add the user to the group of these files (ls -l /dev/nvidia*), and start berthd anew',
      ),
    );
  if (!deviceFiles.includes('/dev/nvidia-uvm'))
    findings.push(
      warning(
        'device-file-uvm',
        '/dev/nvidia-uvm is not there: CUDA needs it',
        'nvidia-modprobe -u -c=0; in a container, start it with NVIDIA_DRIVER_CAPABILITIES=compute,utility',
      ),
    );
  return findings.length > 0
    ? findings
    : [ok('device-files', `this user may open all ${deviceFiles.length} device files of NVIDIA's driver`)];
}

async function modeOf(path: string): Promise<number | null> {
  return stat(path).then(
    ({ mode }) => mode & 0o777,
    () => null,
  );
}

async function sizeOf(
  path: string,
  of: (status: { bavail: number; blocks: number; bsize: number }) => number,
): Promise<number | null> {
  return statfs(path).then(of, () => null);
}

async function deviceFiles(): Promise<string[]> {
  const names = await readdir('/dev').catch(() => []);
  return names.filter((name) => /^nvidia(\d+|ctl|-uvm)$/.test(name)).map((name) => `/dev/${name}`);
}

async function mayOpen(file: string): Promise<boolean> {
  return access(file, constants.R_OK | constants.W_OK).then(
    () => true,
    () => false,
  );
}

/** The soft limit: jobs inherit it from us. null: there is none, or it isn't known. */
async function openFilesLimit(): Promise<number | null> {
  const limits = await readFile('/proc/self/limits', 'utf8').catch(() => '');
  const [, limit] = /^Max open files\s+(\d+)/m.exec(limits) ?? [];
  return limit === undefined ? null : Number(limit);
}

const octal = (mode: number): string => `0${mode.toString(8)}`;
