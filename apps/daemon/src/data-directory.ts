import { chmodSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { isLocked } from '@berth/task-shim';

/** The places in a data directory. All of it belongs to the daemon's user; others may pass through at most (0711). */
export interface DataDirectory {
  readonly root: string;
  readonly token: string;
  /** Which ledger this directory belongs to. */
  readonly ledgerIdentity: string;
  /** Held by the daemon that runs on this directory. */
  readonly daemonLock: string;
  /** Where the running daemon listens too, for accounts of this host. */
  readonly socket: string;
  /** Where the running daemon listens, for command lines on this host (JSON: url, pid). */
  readonly address: string;
  readonly simulation: string;
  workerLock(device: string): string;
  workerLog(device: string): string;
  /** What workers and the private Redis have said. */
  processLogs(): string[];
  /** All devices that ever had a worker here. */
  devicesWithWorkers(): string[];
  /** A task's folder, made by its worker: lock, records, script, log. */
  task(job: string, attempt: number, rank: number): string;
  /** What a job may write for its next attempt. */
  checkpointFile(job: string): string;
  /** The copy of the code of a job, or of a group's jobs; a group may have several. */
  code(owner: string, number?: number): string;
  /** Where all of these are: everything that begins with a job's id and a dot is that job's. */
  readonly jobs: string;
  /** A folder of the account that a job runs as, for that file. */
  ownFolder(job: string): string;
}

/**
 * Makes the directory where it is missing.
 * @param isShared whether others of the host may get to what lies in it by name, where that lets them: the socket, the address, and what
 *   belongs to the accounts that jobs run as
 */
export function openDataDirectory(root: string, isShared = false): DataDirectory {
  for (const directory of ['', 'workers', 'jobs']) {
    const path = join(root, directory);
    mkdirSync(path, { recursive: true, mode: 0o700 });
    chmodSync(path, isShared && directory !== 'workers' ? 0o711 : 0o700);
  }
  return dataDirectory(root);
}

export function dataDirectory(root: string): DataDirectory {
  return {
    root,
    token: join(root, 'token'),
    ledgerIdentity: join(root, 'ledger.id'),
    daemonLock: join(root, 'daemon.lock'),
    address: join(root, 'address.json'),
    socket: join(root, 'berth.sock'),
    simulation: join(root, 'simulation.state'),
    workerLock: (device) => join(root, 'workers', `${device}.lock`),
    workerLog: (device) => join(root, 'workers', `${device}.log`),
    processLogs: () => [
      ...readdirSync(join(root, 'workers'))
        .filter((name) => name.endsWith('.log'))
        .map((name) => join(root, 'workers', name)),
      join(root, 'redis', 'redis.log'),
    ],
    devicesWithWorkers: () =>
      readdirSync(join(root, 'workers')).flatMap((name) => /^(.*)\.lock$/.exec(name)?.[1] ?? []),
    task: (job, attempt, rank) => join(root, 'jobs', `${job}.${attempt}.${rank}`),
    ownFolder: (job) => join(root, 'jobs', `${job}.own`),
    checkpointFile: (job) => join(root, 'jobs', `${job}.checkpoint`),
    code: (owner, number = 0) => join(root, 'jobs', `${owner}.code${number || ''}`),
    jobs: join(root, 'jobs'),
  };
}

/** The folders of the tasks that live, by their locks, whatever any ledger says. @throws where the directory can't be read */
export function liveTasks({ jobs }: Pick<DataDirectory, 'jobs'>): string[] {
  return readdirSync(jobs)
    .map((name) => join(jobs, name))
    .filter((folder) => isLocked(join(folder, 'lock')));
}
