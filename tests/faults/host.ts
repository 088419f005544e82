import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Device } from '@berth/contract';
import { isLocked, readStartRecord } from '@berth/task-shim';
import { Redis } from 'ioredis';
import { eventually, isAlive, TestDaemon } from '../support/daemon.js';
import { LIMITED_USER } from './stories/crowds.js';

const FAILPOINTS = fileURLToPath(new URL('failpoints.mjs', import.meta.url));
const REPOSITORY = fileURLToPath(new URL('../../', import.meta.url));
const READY_WITHIN_MS = 90_000;

const DISK_BYTES = 64 * 2 ** 20;
/** Debian keeps it where no linker looks. Without it the clock stays as it is. */
const FAKETIME = ['/usr/lib/x86_64-linux-gnu', '/usr/lib/aarch64-linux-gnu', '/usr/lib64', '/usr/lib']
  .map((folder) => `${folder}/faketime/libfaketime.so.1`)
  .find((file) => existsSync(file));

const settings = (mostJobs: number): string =>
  [
    // Jobs that fail on purpose say nothing about their device.
    'quickFailures: 0',
    'logLimit: 1MiB',
    'logLevel: info',
    // The first logs go soon.
    `retention: { logBytes: 256KiB, mostJobs: ${mostJobs}, every: 1s }`,
    `users: { ${LIMITED_USER}: { runningJobs: 1 } }`,
  ].join('\n');
/** More than there ever are. */
const ALL_JOBS = 10_000;

/** A task that runs, as its own folder says. */
export interface LiveTask {
  job: string;
  shim: number;
  command: number;
}

/** The host that the faults happen to: a daemon that is kept running as a service manager would, and what it has started. */
export class Host {
  readonly daemon: TestDaemon;
  /** What jobs write down by themselves, and the locks of their devices. */
  readonly records: string;
  readonly settings: string;
  private readonly root = mkdtempSync(join(tmpdir(), 'berth-faults-'));
  private readonly armed = join(this.root, 'armed');
  private readonly clock = join(this.root, 'clock');
  /** Whether the data directory has a small file system of its own, which may be filled. */
  readonly hasOwnDisk: boolean;
  /** Whether the clock of daemon and workers can be set. */
  readonly hasClock = FAKETIME !== undefined;
  private devices: Device[] = [];
  private keeping: Promise<void> = Promise.resolve();
  private kept = true;
  private readonly simulated: string;
  private readonly environment: NodeJS.ProcessEnv;
  /** How long a daemon that died stays away, in ms. */
  restartDelay = 100;
  /** What daemons said that could not start. */
  readonly refusals: string[] = [];

  constructor(simulate: string) {
    this.records = join(this.root, 'records');
    this.settings = join(this.root, 'settings.yaml');
    mkdirSync(this.records);
    mkdirSync(this.armed);
    this.rememberOnly(ALL_JOBS);
    this.simulated = simulate;
    this.environment = {
      NODE_OPTIONS: `--import ${FAILPOINTS}`,
      FAULTS_ARMED: this.armed,
      LD_PRELOAD: FAKETIME ?? '',
      FAKETIME_TIMESTAMP_FILE: this.clock,
      FAKETIME_CACHE_DURATION: '1',
      // A clock that is set goes on counting.
      DONT_FAKE_MONOTONIC: '1',
    };
    this.daemon = new TestDaemon(simulate, ['--config', this.settings], this.environment);
    this.setClock(0);
    this.hasOwnDisk = mounted(this.daemon.dataDirectory);
  }

  async start(): Promise<void> {
    await this.daemon.start();
    this.devices = await this.daemon.devices();
    this.keeping = this.keepRunning();
  }

  private async keepRunning(): Promise<void> {
    while (this.kept) {
      await this.daemon.exited();
      await sleep(this.restartDelay);
      if (!this.kept) return;
      await this.daemon.start().catch((error: Error) => this.refusals.push(error.message));
    }
  }

  /** Somebody starts one more daemon on the same data directory. */
  secondDaemon(): TestDaemon {
    const flags = ['--config', this.settings, '--data-dir', this.daemon.dataDirectory];
    return new TestDaemon(this.simulated, flags, this.environment);
  }

  /** From its next start on, the daemon is of another build. */
  exchangeBuild(): void {
    this.daemon.program = anotherBuild(this.daemon.program, join(this.root, `build-${Date.now()}`));
  }

  /** From its next start on, the daemon remembers no more jobs that have ended. */
  rememberOnly(mostJobs: number): void {
    writeFileSync(this.settings, settings(mostJobs));
  }

  /** The files and folders of jobs. */
  jobFiles(): string[] {
    return readdirSync(join(this.daemon.dataDirectory, 'jobs'));
  }

  /** Arms a failpoint for the first process that comes by. */
  arm(point: string, action: 'kill' | 'fail' | number): void {
    const file = join(this.armed, point);
    writeFileSync(`${file}.new`, String(action));
    rmSync(file, { force: true });
    writeFileSync(file, String(action));
    rmSync(`${file}.new`);
  }

  /** Whether a process came by a failpoint that was armed. */
  wasTaken(point: string): boolean {
    return existsSync(join(this.armed, `${point}.taken`));
  }

  /** The failpoints of scripts that any process came by. */
  passed(): string[] {
    const lines = quietly(() => readFileSync(join(this.armed, 'passed'), 'utf8')) ?? '';
    return lines.split('\n').filter((line) => line !== '');
  }

  /** @param points which; none: all. Those that were taken stay known */
  disarm(...points: string[]): void {
    const armed = readdirSync(this.armed).filter((name) => name.includes('.') && !name.endsWith('.taken'));
    for (const name of points.length > 0 ? points : armed) rmSync(join(this.armed, name), { force: true });
  }

  /** Sets the clock of daemon and workers apart from the host's. */
  setClock(seconds: number): void {
    writeFileSync(`${this.clock}.new`, `${seconds < 0 ? '' : '+'}${seconds}\n`);
    renameSync(`${this.clock}.new`, this.clock);
  }

  /** The jobs of which a shim was killed before it could write down how a task ended. */
  unrecordedJobs(): string[] {
    const folders = quietly(() => readFileSync(join(this.armed, 'unrecorded'), 'utf8')) ?? '';
    return folders.split('\n').map((folder) => basename(folder).split('.')[0] as string);
  }

  workers(): number[] {
    return this.devices.flatMap((device) => this.daemon.findWorker(device) ?? []);
  }

  redisPid(): number | null {
    return quietly(() => this.daemon.holderOf('redis/redis.lock'));
  }

  get stateFile(): string {
    return join(this.daemon.dataDirectory, 'simulation.state');
  }

  /** Asks the private Redis something behind the daemon's back. */
  async redis<T>(ask: (redis: Redis) => Promise<T>): Promise<T> {
    const redis = new Redis({
      path: join(this.daemon.dataDirectory, 'redis/redis.sock'),
      retryStrategy: () => 20,
      maxRetriesPerRequest: 20,
    });
    redis.on('error', () => undefined);
    try {
      return await ask(redis);
    } finally {
      redis.disconnect();
    }
  }

  tasks(): LiveTask[] {
    return this.jobFiles().flatMap((name) => {
      const folder = join(this.daemon.dataDirectory, 'jobs', name);
      const start = readStartRecord(folder);
      if (!start || !isLocked(join(folder, 'lock'))) return [];
      return [{ job: name.split('.')[0] as string, shim: start.shimPid, command: start.pid }];
    });
  }

  /** Processes of jobs and their shims, by what is in their environment. */
  jobProcesses(): { pid: number; job: string }[] {
    const mark = `FAULTS_RECORDS=${this.records}`;
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name) && isAlive(Number(name)))
      .flatMap((pid) => {
        const environment = quietly(() => readFileSync(`/proc/${pid}/environ`, 'utf8'))?.split('\0') ?? [];
        if (!environment.includes(mark)) return [];
        const job = environment.find((each) => each.startsWith('BERTH_JOB_ID='))?.split('=')[1] as string;
        return [{ pid: Number(pid), job }];
      });
  }

  /** Waits until the daemon can take jobs. */
  async ready(): Promise<void> {
    const deadline = Date.now() + READY_WITHIN_MS;
    for (;;) {
      const answer = await this.daemon.request('/readyz').catch(() => null);
      if (answer?.ok) return;
      if (Date.now() > deadline)
        throw new Error(`never ready again: ${answer ? await answer.text() : this.refusals.at(-1)}`);
      await sleep(50);
    }
  }

  /** Takes the devices back that were taken out. */
  async resumeDevices(): Promise<void> {
    await eventually(
      async () => {
        for (const { uuid } of this.devices)
          await this.daemon.request(`/v1/devices/${uuid}/resume`, { method: 'POST' });
        return this.daemon.devices();
      },
      (devices) => devices.every(({ obstacles }) => obstacles.length === 0),
    );
  }

  /** The last words of daemon and workers, for whoever looks for the fault. */
  lastWords(): string {
    const workers = join(this.daemon.dataDirectory, 'workers');
    const logs = quietly(() => readdirSync(workers).filter((name) => name.endsWith('.log'))) ?? [];
    const said = logs.map((name) => readFileSync(join(workers, name), 'utf8').slice(-3000));
    return [this.daemon.output.slice(-6000), ...said, ...this.refusals.slice(-3)].join('\n---\n');
  }

  /** Stops the daemon in order. @returns its exit code */
  async stop(): Promise<number | null> {
    this.kept = false;
    return this.daemon.stop();
  }

  /** Ends all that is left and removes its traces. */
  async destroy(): Promise<void> {
    this.kept = false;
    await this.daemon.end();
    if (this.hasOwnDisk) execFileSync('umount', ['--lazy', this.daemon.dataDirectory]);
    await this.daemon.destroy();
    await this.keeping;
    for (const { pid } of this.jobProcesses()) process.kill(pid, 'SIGKILL');
    rmSync(this.root, { recursive: true, force: true });
  }
}

/**
 * A build that differs in all of its scripts, so that nothing of it is known to Redis or runs already.
 * @param program the berthd that is copied
 * @returns its berthd
 */
function anotherBuild(program: string, folder: string): string {
  const daemon = join(folder, 'apps/daemon');
  for (const part of ['bin', 'dist', 'lua', 'python', 'package.json'])
    cpSync(join(dirname(program), '..', part), join(daemon, part), { recursive: true });
  for (const shared of ['node_modules', 'apps/dashboard', 'package.json', 'openapi.yaml'])
    symlinkSync(join(REPOSITORY, shared), join(folder, shared));
  const scripts = join(daemon, 'lua');
  for (const name of readdirSync(scripts)) appendFileSync(join(scripts, name), `\n-- ${folder}\n`);
  return join(daemon, 'bin/berthd.js');
}

/** Gives a folder a file system of its own, where we may. */
function mounted(folder: string): boolean {
  if (process.getuid?.() !== 0) return false;
  return (
    quietly(() => execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${DISK_BYTES}`, 'tmpfs', folder])) !==
    null
  );
}

/** What comes of it, or null: processes come and go while we look. */
function quietly<T>(ask: () => T): T | null {
  try {
    return ask();
  } catch {
    return null;
  }
}
