import { existsSync } from 'node:fs';
import {
  createSimulation,
  type DeviceEvent,
  type DeviceFacts,
  type DeviceSample,
  DeviceUnresponsive,
  type Driver,
  DriverError,
  type DriverInfo,
  openDriver,
  probeCuda,
} from '@berth/cuda-core';
import type { Logger } from 'pino';
import { RecurringTrouble } from '../recurring-trouble.js';
import { factsFromCuda } from './cuda-facts.js';
import { managedDevices } from './managed-devices.js';

const SAMPLE_INTERVAL_MS = 1000;
/** How often the devices are counted anew: MIG instances come and go while all is well. */
const RECOUNT_MS = 60_000;
/** How often somebody looks for devices that are missing. */
const SEARCH_MS = 5_000;
/** How long the driver may take to open or to count, before the daemon goes on without it. */
const DRIVER_PATIENCE_MS = 10_000;

/** Why there is no driver to ask, or not all of it. */
export interface DriverProblem {
  code: string;
  detail: string;
  hint: string;
}

/** How the driver answers for a device: `lost`, it says that it is or doesn't show it any more; `unresponsive`, not at all. */
export type Reach = 'ok' | 'lost' | 'unresponsive' | 'unknown';

interface Known {
  facts: DeviceFacts;
  sample: DeviceSample | null;
  absent: boolean;
  unresponsive: boolean;
  /** That the driver answers, but without a sample. */
  readonly silence: RecurringTrouble;
}

/** The device file of AMD's compute driver. */
const AMD_DRIVER = '/dev/kfd';
const ONLY_AMD: DriverProblem = {
  code: 'driver_not_found',
  detail: "this host has AMD's driver and none of NVIDIA's: Berth manages NVIDIA GPUs only",
  hint: 'Run Berth on a host with NVIDIA GPUs, or try it with simulated devices: --simulate 2xH100-80GB',
};

const NO_DRIVER: DriverInfo = {
  driverVersion: null,
  cudaVersion: null,
  nvmlVersion: null,
  simulated: false,
  unreachable: 0,
};

/**
 * The devices of this host that the daemon manages, and the newest sample of each. Requests are answered from here: none
 * of them touches the driver. A device that was ever there stays known, also when it vanishes.
 */
export class DeviceInventory {
  driver = NO_DRIVER;
  problem: DriverProblem | null = null;
  /** Who told of the devices. */
  source: 'nvml' | 'cuda' | null = null;
  /** What else is to be known, for people. */
  remarks: readonly string[] = [];

  private readonly libraries: { libraryDirectory?: string };
  private readonly log: Logger;
  private readonly known = new Map<string, Known>();
  private cudaOrder = new Map<string, number>();
  private open: Driver | null = null;
  private counted = 0;
  private closed = false;
  private readonly timers = new Set<NodeJS.Timeout>();
  private readonly listeners = {
    round: new Set<() => void>(),
    devices: new Set<() => void>(),
    event: new Set<(event: DeviceEvent) => void>(),
  };

  private constructor(libraries: { libraryDirectory?: string }, log: Logger) {
    this.libraries = libraries;
    this.log = log;
  }

  /**
   * Enumerates what the driver shows and the daemon's own masks leave visible.
   * A host without a (working) driver is no error: it has no devices, and `problem` says why.
   * @param simulation what to simulate and where its state is kept, or null for the real driver
   */
  static async open(
    simulation: { spec: string; stateFile: string } | null,
    log: Logger,
  ): Promise<DeviceInventory> {
    let libraries = {};
    if (simulation) {
      const simulated = createSimulation(simulation.spec, simulation.stateFile);
      // Jobs inherit it too: a program of theirs may ask the simulated driver.
      const { libraryDirectory: BERTH_SIMULATED_LIBRARIES } = simulated;
      Object.assign(process.env, simulated.environment, { BERTH_SIMULATED_LIBRARIES });
      libraries = { libraryDirectory: simulated.libraryDirectory };
    }
    const inventory = new DeviceInventory(libraries, log);
    await inventory.connect();
    await inventory.sampleAll();
    inventory.every(SAMPLE_INTERVAL_MS, () => inventory.sampleAll());
    inventory.every(SEARCH_MS, () => inventory.search());
    void inventory.askForCudaOrder();
    return inventory;
  }

  /** In PCI order, MIG instances behind one another. */
  get devices(): readonly DeviceFacts[] {
    return [...this.known.values()]
      .map(({ facts }) => facts)
      .sort((one, other) => one.index - other.index || (one.mig?.index ?? 0) - (other.mig?.index ?? 0));
  }

  /** The newest sample of a device, or null where there is none. */
  newest(uuid: string): DeviceSample | null {
    return this.known.get(uuid)?.sample ?? null;
  }

  reach(uuid: string): Reach {
    const device = this.known.get(uuid);
    if (device?.absent || device?.sample?.lost) return 'lost';
    if (device?.unresponsive) return 'unresponsive';
    return device?.sample ? 'ok' : 'unknown';
  }

  /** Its place in CUDA's own order, or null where that isn't known. */
  cudaIndex(uuid: string): number | null {
    return this.cudaOrder.get(uuid) ?? null;
  }

  /** Calls back after each round of samples. */
  onRound(listener: () => void): void {
    this.listeners.round.add(listener);
  }

  /** Calls back when there are other devices than before. */
  onDevices(listener: () => void): void {
    this.listeners.devices.add(listener);
  }

  /** Calls back when the driver tells something by itself. */
  onEvent(listener: (event: DeviceEvent) => void): void {
    this.listeners.event.add(listener);
  }

  async close(): Promise<void> {
    this.closed = true;
    for (const timer of this.timers) clearInterval(timer);
    await this.open?.close();
  }

  /** Runs `work` again and again, never twice at once. */
  private every(milliseconds: number, work: () => Promise<void>): void {
    let busy = false;
    const trouble = new RecurringTrouble(this.log, {
      begins: 'the devices can not be watched',
      ends: 'the devices are watched again',
      level: 'error',
    });
    const timer = setInterval(() => {
      if (busy || this.closed) return;
      busy = true;
      void trouble.through(work()).finally(() => {
        busy = false;
      });
    }, milliseconds);
    this.timers.add(timer);
  }

  /** Opens the driver, if it isn't, and takes stock. */
  private async connect(): Promise<void> {
    try {
      if (!this.open) {
        this.open = await openDriver({ ...this.libraries, answerPatienceMs: DRIVER_PATIENCE_MS });
        this.open.watch((event) => {
          for (const listener of this.listeners.event) listener(event);
        });
      }
      const { devices, driver, pending } = await this.open.enumerate();
      if (pending.length > 0) this.waitFor(Promise.all(pending));
      this.driver = driver;
      this.source = 'nvml';
      this.setProblem(null);
      this.takeStock(devices);
    } catch (error) {
      if (!(error instanceof DriverError)) throw error;
      await this.doWithout(error);
    }
    this.counted = Date.now();
  }

  private async doWithout(error: DriverError): Promise<void> {
    const { code, message, hint, answered } = error;
    if (answered) this.waitFor(answered);
    if (code === 'driver_not_found' && this.source !== 'cuda') {
      const environment = {
        ...process.env,
        CUDA_VISIBLE_DEVICES: undefined,
        CUDA_DEVICE_ORDER: 'PCI_BUS_ID',
      };
      const view = await probeCuda(environment, this.libraries);
      if (view.devices.length > 0) {
        this.source = 'cuda';
        this.driver = { ...NO_DRIVER, cudaVersion: view.cudaVersion, simulated: view.simulated };
        this.setProblem({
          code: 'nvml_missing',
          detail: `NVML (libnvidia-ml.so.1) was not found, so the devices were enumerated through CUDA: there are names and sizes, but no samples and no health`,
          hint: "Install the driver's management library (Debian: libnvidia-ml1; in a container: NVIDIA_DRIVER_CAPABILITIES=compute,utility)",
        });
        return this.takeStock(factsFromCuda(view.devices));
      }
    }
    if (this.source === 'cuda') return;
    this.setProblem(
      code === 'driver_not_found' && existsSync(AMD_DRIVER) ? ONLY_AMD : { code, detail: message, hint },
    );
  }

  private setProblem(problem: DriverProblem | null): void {
    if (problem && problem.code !== this.problem?.code) this.log.warn(problem, 'the driver is not all there');
    if (!problem && this.problem) this.log.info('the driver works again');
    this.problem = problem;
  }

  /** A driver that didn't answer isn't asked again before it has: each question that hangs costs a thread. */
  private waiting = false;
  private waitFor(answered: Promise<unknown>): void {
    this.waiting = true;
    void answered.finally(() => {
      this.waiting = false;
      if (this.closed) void this.open?.close();
    });
  }

  private takeStock(found: readonly DeviceFacts[]): void {
    const { devices, remarks } = managedDevices(found, process.env);
    if (this.driver.unreachable > 0) {
      remarks.push(`${this.driver.unreachable} GPU(s) can't be asked for anything: they are lost or hang`);
    }
    for (const remark of remarks) if (!this.remarks.includes(remark)) this.log.warn(remark);
    this.remarks = remarks;

    const before = this.known.size;
    for (const facts of devices) {
      const known = this.known.get(facts.uuid);
      if (known?.absent) this.log.info({ device: facts.uuid }, 'a device is back');
      if (known) Object.assign(known, { facts: completed(facts, known.facts), absent: false });
      else this.known.set(facts.uuid, unseen(facts, this.log));
    }
    const present = new Set(devices.map(({ uuid }) => uuid));
    for (const [uuid, known] of this.known) {
      // One that hangs can't be counted either, and is said to hang.
      if (present.has(uuid) || known.absent || known.unresponsive) continue;
      this.log.warn({ device: uuid }, 'the driver does not show a device any more');
      known.absent = true;
    }
    if (this.known.size !== before) for (const listener of this.listeners.devices) listener();
  }

  /** Looks for what is missing; where nothing is, now and then for what is new. */
  private async search(): Promise<void> {
    const hangs = [...this.known.values()].some(({ unresponsive }) => unresponsive);
    if (this.waiting || hangs) return;
    const missing = [...this.known.keys()].some((uuid) => this.reach(uuid) === 'lost');
    const isWorse = missing || this.problem !== null || this.driver.unreachable > 0;
    if (!isWorse && Date.now() - this.counted < RECOUNT_MS) return;
    // NVML finds what has come back only when it is opened anew.
    if (isWorse && this.open) {
      const old = this.open;
      this.open = null;
      await old.close();
    }
    await this.connect();
  }

  private async sampleAll(): Promise<void> {
    for (const [uuid, device] of this.known) {
      const driver = this.open;
      if (!driver || this.closed || this.source !== 'nvml') break;
      if (device.absent || device.unresponsive) continue;
      try {
        device.sample = await driver.sample(uuid);
        device.silence.over({ device: uuid });
      } catch (error) {
        // Meanwhile it may have been opened anew.
        if (driver === this.open && !this.closed) this.onNoSample(uuid, device, error as Error);
      }
    }
    for (const listener of this.listeners.round) listener();
  }

  private onNoSample(uuid: string, device: Known, error: Error): void {
    if (!(error instanceof DeviceUnresponsive)) {
      device.silence.tell(error, { device: uuid });
      return;
    }
    this.log.error({ device: uuid }, error.message);
    device.unresponsive = true;
    void error.answered.then(() => {
      device.unresponsive = false;
      this.log.info({ device: uuid }, 'the driver answers for the device again');
    });
  }

  private async askForCudaOrder(): Promise<void> {
    const environment = { ...process.env, CUDA_VISIBLE_DEVICES: undefined, CUDA_DEVICE_ORDER: undefined };
    const { devices } = await probeCuda(environment, this.libraries);
    this.cudaOrder = new Map(devices.map(({ uuid }, ordinal) => [uuid, ordinal]));
  }
}

function unseen(facts: DeviceFacts, log: Logger): Known {
  const silence = new RecurringTrouble(log, {
    begins: 'the driver gave no sample; the last one grows old',
    ends: 'the driver gives samples again',
  });
  return { facts, sample: null, absent: false, unresponsive: false, silence };
}

/** What is known of a device doesn't become unknown because it is ill while it is asked again. */
function completed(facts: DeviceFacts, before: DeviceFacts): DeviceFacts {
  const known = Object.entries(facts).filter(([, figure]) => figure !== null);
  return { ...before, ...Object.fromEntries(known) };
}
