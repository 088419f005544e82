import type { DeviceEvent, DeviceSample, Enumeration } from './facts.js';
import { native } from './native.js';
import { keepAliveFor, settlesWithin, waitAtMost } from './patience.js';
import { deviceEvent, deviceFacts, deviceSample } from './raw-answers.js';

/** Longer than a driver needs that has to wake eight devices first. */
const ANSWER_PATIENCE_MS = 30_000;
/** Much longer than a device needs that is well: a sample takes milliseconds. */
export const SAMPLE_PATIENCE_MS = 3_000;
const CLOSE_PATIENCE_MS = 2_000;
/** How long one wait for events is; what happens is told at once, the rest is only to notice the end. */
const EVENT_WAIT_MS = 60_000;

/**
 * NVIDIA's driver, opened. Its calls run on a thread of the driver's own, one after another. One that hangs blocks neither
 * JavaScript nor the end of the process, and after its patience is over no later call either.
 */
export interface Driver {
  /** GPUs in PCI order, with their MIG instances. @throws DriverError where the driver can't say how many there are, or hangs */
  enumerate(): Promise<Enumeration>;
  /**
   * What a device does now, that `enumerate` has told of.
   * @throws DeviceUnresponsive where the driver doesn't answer in time
   */
  sample(uuid: string): Promise<DeviceSample>;
  /** Tells of XIDs and ECC errors as they happen, until the driver is closed. */
  watch(onEvent: (event: DeviceEvent) => void): void;
  /** Ends the driver, and leaves one that hangs behind after 2 s. Calls after this are refused. */
  close(): Promise<void>;
}

export type DriverErrorCode =
  | 'driver_not_found'
  | 'driver_broken'
  | 'driver_version_mismatch'
  | 'driver_unresponsive';

const EXPLANATIONS: Record<DriverErrorCode, { what: string; hint: string }> = {
  driver_not_found: {
    what: 'no NVIDIA driver is installed: libnvidia-ml.so.1 was not found',
    hint: "Install NVIDIA's driver (nvidia-smi must work), or try Berth with simulated devices: --simulate 2xH100-80GB",
  },
  driver_broken: {
    what: "NVIDIA's driver does not work",
    hint: 'See whether nvidia-smi works and what the kernel log says (dmesg | grep -i nvrm); loading the module (modprobe nvidia) or installing the driver anew helps most often',
  },
  driver_version_mismatch: {
    what: "NVIDIA's library and kernel module are of different versions: the driver was upgraded while the old module runs on",
    hint: 'Reboot, or unload and load the kernel module once nothing uses the devices (rmmod nvidia_uvm nvidia; modprobe nvidia)',
  },
  driver_unresponsive: {
    what: "NVIDIA's driver does not answer",
    hint: 'See what the kernel log says (dmesg | grep -i -e nvrm -e xid); a device that hangs is most often freed by a reset (nvidia-smi --gpu-reset) or a reboot',
  },
};

/** There is no driver that works. The message says what happened, `hint` what to do. */
export class DriverError extends Error {
  override readonly name = 'DriverError';

  readonly code: DriverErrorCode;
  readonly hint: string;
  /** Of one that doesn't answer: kept when it does. */
  readonly answered: Promise<unknown> | null;

  /** @param detail the driver's or the linker's own words */
  constructor(code: DriverErrorCode, detail: string, answered: Promise<unknown> | null = null) {
    super(`${EXPLANATIONS[code].what} (${detail})`);
    this.code = code;
    this.hint = EXPLANATIONS[code].hint;
    this.answered = answered;
  }
}

/** The driver didn't answer for a device in time. It may still do so: `answered` is kept when it does. */
export class DeviceUnresponsive extends Error {
  override readonly name = 'DeviceUnresponsive';
  readonly answered: Promise<unknown>;

  constructor(uuid: string, patienceMs: number, answered: Promise<unknown>) {
    super(`device ${uuid}: the driver has not answered for ${patienceMs / 1000} s`);
    this.answered = answered;
  }
}

/**
 * Opens NVML (and the CUDA driver API, for what NVML doesn't say) at run time.
 * @param options.libraryDirectory where the libraries are; left out: where the linker finds them
 * @param options.samplePatienceMs how long a device may take to answer
 * @throws DriverError
 */
export async function openDriver(
  options: { libraryDirectory?: string; samplePatienceMs?: number; answerPatienceMs?: number } = {},
): Promise<Driver> {
  const { samplePatienceMs = SAMPLE_PATIENCE_MS, answerPatienceMs = ANSWER_PATIENCE_MS } = options;
  const driver = new (native().Driver)(options.libraryDirectory ?? '');

  const answer = async <T>(call: Promise<T>): Promise<T> => {
    if (!(await keepAliveFor(answerPatienceMs, settlesWithin(answerPatienceMs, call)))) {
      driver.abandon();
      const words = `nothing came within ${answerPatienceMs / 1000} s`;
      throw new DriverError(
        'driver_unresponsive',
        words,
        call.catch(() => undefined),
      );
    }
    try {
      return await call;
    } catch (error) {
      const { code, message } = error as Error & { code?: string };
      throw code && code in EXPLANATIONS ? new DriverError(code as DriverErrorCode, message) : error;
    }
  };

  await answer(driver.open());
  let closed = false;
  return {
    async enumerate() {
      const { driver: info, devices } = await answer(driver.enumerate());
      return { driver: info, devices: devices.map(deviceFacts) };
    },

    async sample(uuid) {
      const call = driver.sample(uuid);
      if (!(await keepAliveFor(samplePatienceMs, settlesWithin(samplePatienceMs, call)))) {
        driver.abandon();
        throw new DeviceUnresponsive(
          uuid,
          samplePatienceMs,
          call.catch(() => undefined),
        );
      }
      return deviceSample(await call);
    },

    watch(onEvent) {
      void (async () => {
        while (!closed) {
          for (const event of await driver.events(EVENT_WAIT_MS)) if (!closed) onEvent(deviceEvent(event));
        }
      })().catch(() => undefined); // It is closed.
    },

    async close() {
      closed = true;
      await waitAtMost(CLOSE_PATIENCE_MS, driver.close());
    },
  };
}
