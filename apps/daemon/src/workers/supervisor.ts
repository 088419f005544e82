import { setMaxListeners } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import {
  type Ending,
  endWhenStill,
  type HeldLock,
  keepRunning,
  lastBeat,
  signalHolder,
  spawnDetached,
  tryLock,
  waitForLock,
} from '@berth/task-shim';
import type { Redis } from 'ioredis';
import type { Logger } from 'pino';
import type { DataDirectory } from '../data-directory.js';
import { KEYS } from '../ledger/keys.js';
import { RecurringTrouble } from '../recurring-trouble.js';
import { WORKER_OPTIONS } from '../worker-options.js';
import { generationOf } from './generation.js';

const WORKER = fileURLToPath(new URL('../worker/main.js', import.meta.url));
/** How long idle workers get to leave. */
const LEAVING_MS = 3000;
const ASKING_MS = 200;
/** Of devices that are not managed any more: their tasks may take days. */
const ASKING_UNMANAGED_MS = 1000;
/** For about so long a worker that starts takes a core. */
const STARTING_MS = 500;

/**
 * Keeps one worker process running for each device of this host; one that is frozen is killed, so that the next one does its
 * work, and one of another build makes room for one of this.
 *
 * A worker holds its device's lock for as long as it lives; the lock is passed on to it when it is started. So a daemon
 * that comes back finds the workers that are there, whoever waits for the lock notices a worker's death at once, and
 * there are never two for one device.
 */
export class WorkerSupervisor {
  private readonly closing = new AbortController();
  private readonly directories: DataDirectory;
  private readonly log: Logger;
  /** What each worker is told, but for its device. */
  private readonly workerOptions: Record<string, unknown>;
  private readonly onDeath: (device: string, ending: Ending, wasStill: boolean) => void;
  private readonly beatMs: number | undefined;
  private readonly generation: string;
  /** Devices whose workers were asked to make room for one of this generation. */
  private readonly renewing = new Set<string>();
  private devices: readonly string[] = [];
  /** Ends the asking of workers whose devices are managed again. */
  private readonly leaving = new Map<string, AbortController>();
  /** To start workers, by their devices. */
  private readonly troubles = new Map<string, RecurringTrouble>();

  constructor(options: {
    directories: DataDirectory;
    workerOptions: Record<string, unknown>;
    /** Told when a worker has died, and another is about to be started; also whether it showed no sign of life, and was killed by us. */
    onDeath: (device: string, ending: Ending, wasStill: boolean) => void;
    log: Logger;
    /** How often a sign of life is looked for; several in a row have to be missing. */
    beatMs?: number;
  }) {
    this.directories = options.directories;
    this.workerOptions = options.workerOptions;
    this.onDeath = options.onDeath;
    this.log = options.log;
    this.beatMs = options.beatMs;
    this.generation = generationOf(options.workerOptions);
    // Each device's watching listens to it, of however many there are.
    setMaxListeners(0, this.closing.signal);
  }

  /**
   * Finds or starts a worker for each device, and replaces those that die. Workers of devices that an earlier daemon
   * managed and this one doesn't are let go, once they have nothing to do.
   */
  start(devices: readonly string[], redis: Redis): void {
    for (const known of this.directories.devicesWithWorkers()) {
      if (devices.includes(known)) continue;
      const leaving = new AbortController();
      this.leaving.set(known, leaving);
      const signal = AbortSignal.any([this.closing.signal, leaving.signal]);
      void this.letGo(known, redis, ASKING_UNMANAGED_MS, signal);
    }
    this.add(devices);
  }

  /**
   * Asks a worker to leave, again and again: one that is just starting doesn't listen yet, and one that has a task stays
   * until that is over.
   * @param signal ends the asking
   * @returns whether it has left
   */
  private async letGo(device: string, redis: Redis, everyMs: number, signal: AbortSignal): Promise<boolean> {
    const ask = (): unknown => redis.publish(KEYS.control(device), 'retire').catch(() => undefined);
    const asking = setInterval(ask, everyMs);
    ask();
    try {
      (await waitForLock(this.directories.workerLock(device), signal)).release();
      return true;
    } catch {
      return false;
    } finally {
      clearInterval(asking);
    }
  }

  /** Finds or starts workers for those of these devices that have none yet, at a pace that leaves a core to others. */
  add(devices: readonly string[]): void {
    const added = devices.filter((device) => !this.devices.includes(device));
    for (const device of added) this.leaving.get(device)?.abort();
    this.devices = [...this.devices, ...added];
    void this.startInTurn(added);
  }

  private async startInTurn(devices: readonly string[]): Promise<void> {
    const { signal } = this.closing;
    const pause = STARTING_MS / Math.max(1, availableParallelism() - 1);
    for (const device of devices) {
      if (signal.aborted) return;
      const started = this.findOrStart(device);
      void this.keepRunning(device, started?.pid ?? null);
      if (started) await sleep(pause, undefined, { signal }).catch(() => undefined);
    }
  }

  /** @returns null where one was found; its pid is null where none could be started */
  private findOrStart(device: string): { pid: number | null } | null {
    const lock = tryLock(this.directories.workerLock(device));
    if (!lock) {
      this.log.info({ device }, 'found a worker running');
      this.renew(device);
      return null;
    }
    try {
      return { pid: this.spawn(device, lock) };
    } catch (error) {
      this.noteFailure(device, error as Error);
      return { pid: null };
    }
  }

  /** A worker of another build, or of other settings, makes room at once: its tasks go on, and the next one adopts them. */
  private renew(device: string): void {
    const lockPath = this.directories.workerLock(device);
    const shown = lastBeat(lockPath);
    if (!shown || shown.generation === this.generation) return;
    if (signalHolder(lockPath, shown.pid, 'SIGTERM')) this.renewing.add(device);
  }

  /** Stops watching; the workers go on. */
  close(): void {
    this.closing.abort();
  }

  /** Lets all workers go that have nothing to do. @returns the devices whose workers stay, for their tasks run */
  async retire(redis: Redis): Promise<string[]> {
    this.close();
    const patience = AbortSignal.timeout(LEAVING_MS);
    const devices = new Set([...this.devices, ...this.directories.devicesWithWorkers()]);
    const left = await Promise.all(
      [...devices].map(async (device) =>
        (await this.letGo(device, redis, ASKING_MS, patience)) ? [] : [device],
      ),
    );
    return left.flat();
  }

  /** @throws SpawnError */
  private spawn(device: string, lock: HeldLock): number {
    const output = openSync(this.directories.workerLog(device), 'a', 0o600);
    const options = JSON.stringify({ ...this.workerOptions, generation: this.generation, device });
    try {
      const pid = spawnDetached({
        file: process.execPath,
        // The device is for people who look at the list of processes.
        argv: [process.execPath, WORKER, device],
        environment: { ...process.env, [WORKER_OPTIONS]: options },
        stdout: output,
        stderr: output,
        inherit: [{ from: lock.fd, to: 3 }],
        asChild: true,
      });
      this.log.info({ device, pid }, 'started a worker');
      return pid;
    } finally {
      closeSync(output);
      lock.release();
    }
  }

  private keepRunning(device: string, pid: number | null): Promise<void> {
    const log = this.directories.workerLog(device);
    const lockPath = this.directories.workerLock(device);
    let wasStill = false;
    const onStill = (still: number): void => {
      wasStill = true;
      this.log.error({ device, pid: still, log }, 'a worker shows no sign of life any more; killing it');
    };
    endWhenStill(lockPath, onStill, this.closing.signal, this.beatMs);
    const worker = {
      lockPath,
      pid,
      start: (lock: HeldLock) => {
        const started = this.spawn(device, lock);
        this.troubleOf(device).over({ device });
        return started;
      },
      onDeath: (ending: Ending) => {
        if (this.renewing.delete(device)) {
          this.log.info(
            { device },
            'its worker was of another build, or of other settings; starting another',
          );
          return;
        }
        this.log.error({ device, ...ending, log }, 'a worker has died; starting another');
        this.onDeath(device, ending, wasStill);
        wasStill = false;
      },
      onFailure: (error: Error) => this.noteFailure(device, error),
    };
    return keepRunning(worker, this.closing.signal);
  }

  private noteFailure(device: string, error: Error): void {
    this.troubleOf(device).tell(error, { device });
  }

  private troubleOf(device: string): RecurringTrouble {
    const known = this.troubles.get(device);
    const trouble =
      known ??
      new RecurringTrouble(this.log, {
        begins: 'a worker could not be started; trying again',
        ends: 'a worker could be started again',
        level: 'error',
      });
    if (!known) this.troubles.set(device, trouble);
    return trouble;
  }
}
