import {
  createSimulation,
  type DeviceFacts,
  type DeviceSample,
  type Driver,
  DriverError,
  type DriverInfo,
  openDriver,
  readMask,
} from '@berth/cuda-core';
import type { Logger } from 'pino';

const SAMPLE_INTERVAL_MS = 1000;

/** Why there is no driver to ask. */
export interface DriverProblem {
  code: string;
  detail: string;
  hint: string;
}

/**
 * The devices of this host that the daemon manages, and the newest sample of each.
 * Requests are answered from here: none of them touches the driver.
 */
export class DeviceInventory {
  readonly devices: readonly DeviceFacts[];
  readonly driver: DriverInfo;
  readonly problem: DriverProblem | null;

  private readonly source: Driver | null;
  private readonly log: Logger;
  private samples = new Map<string, DeviceSample>();
  private timer: NodeJS.Timeout | null = null;

  private constructor(
    found: { devices: readonly DeviceFacts[]; driver: DriverInfo; problem: DriverProblem | null },
    source: Driver | null,
    log: Logger,
  ) {
    this.devices = found.devices;
    this.driver = found.driver;
    this.problem = found.problem;
    this.source = source;
    this.log = log;
  }

  /**
   * Enumerates what the driver shows and the daemon's own CUDA_VISIBLE_DEVICES leaves visible.
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
      Object.assign(process.env, simulated.environment);
      libraries = { libraryDirectory: simulated.libraryDirectory };
    }
    try {
      const source = await openDriver(libraries);
      const { devices, driver } = await source.enumerate();
      const visible = readMask(process.env.CUDA_VISIBLE_DEVICES, devices);
      if (visible.ignored) {
        log.warn(
          visible.ignored,
          "CUDA ignores the daemon's CUDA_VISIBLE_DEVICES from this entry on, and so does Berth",
        );
      }
      const managed = devices.filter(({ uuid }) => visible.uuids.includes(uuid));
      const inventory = new DeviceInventory({ devices: managed, driver, problem: null }, source, log);
      await inventory.sample();
      inventory.timer = setInterval(() => void inventory.sample(), SAMPLE_INTERVAL_MS);
      return inventory;
    } catch (error) {
      if (!(error instanceof DriverError)) throw error;
      const problem = { code: error.code, detail: error.message, hint: error.hint };
      log.warn(problem, 'no devices to manage');
      const driver = { driverVersion: null, cudaVersion: null, nvmlVersion: null, simulated: false };
      return new DeviceInventory({ devices: [], driver, problem }, null, log);
    }
  }

  /** The newest sample of a device, or null where there is none. */
  newest(uuid: string): DeviceSample | null {
    return this.samples.get(uuid) ?? null;
  }

  async close(): Promise<void> {
    if (this.timer) clearInterval(this.timer);
    await this.source?.close();
  }

  private sampling = false;

  private async sample(): Promise<void> {
    if (!this.source || this.sampling) return;
    this.sampling = true;
    try {
      const samples = await this.source.sample();
      this.samples = new Map(samples.map((sample) => [sample.uuid, sample]));
    } catch (error) {
      this.log.warn({ error: (error as Error).message }, 'the driver gave no sample; the last one grows old');
    } finally {
      this.sampling = false;
    }
  }
}
