import type { DeviceSample, Enumeration } from './facts.js';
import { native } from './native.js';
import { keepAliveFor, waitAtMost } from './patience.js';

/** Longer than a driver needs that has to wake eight devices first. */
const ANSWER_PATIENCE_MS = 30_000;
const CLOSE_PATIENCE_MS = 2_000;

/**
 * NVIDIA's driver, opened. Its calls run on a thread of the driver's own, one after another. One that hangs blocks neither
 * JavaScript nor the end of the process: it keeps that alive for half a minute at most, as a program may be waiting for it.
 */
export interface Driver {
  /** Devices in PCI order. @throws DriverError where the driver can't say how many there are */
  enumerate(): Promise<Enumeration>;
  /**
   * What each device does now, in the driver's order: know them by their UUIDs. A device that has fallen off the bus is missing.
   * @throws DriverError as `enumerate`
   */
  sample(): Promise<DeviceSample[]>;
  /** Ends the driver, and leaves one that hangs behind after 2 s. Calls after this are refused. */
  close(): Promise<void>;
}

export type DriverErrorCode = 'driver_not_found' | 'driver_broken' | 'driver_version_mismatch';

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
};

/** There is no driver that works. The message says what happened, `hint` what to do. */
export class DriverError extends Error {
  override readonly name = 'DriverError';

  readonly code: DriverErrorCode;
  readonly hint: string;

  /** @param detail the driver's or the linker's own words */
  constructor(code: DriverErrorCode, detail: string) {
    super(`${EXPLANATIONS[code].what} (${detail})`);
    this.code = code;
    this.hint = EXPLANATIONS[code].hint;
  }
}

/**
 * Opens NVML (and the CUDA driver API, for what NVML doesn't say) at run time.
 * @param options.libraryDirectory where the libraries are; left out: where the linker finds them
 * @throws DriverError
 */
export async function openDriver(options: { libraryDirectory?: string } = {}): Promise<Driver> {
  const driver = new (native().Driver)(options.libraryDirectory ?? '');
  await answer(driver.open());
  return {
    enumerate: () => answer(driver.enumerate()),
    sample: () => answer(driver.sample()),
    close: () => waitAtMost(CLOSE_PATIENCE_MS, driver.close()),
  };
}

async function answer<T>(call: Promise<T>): Promise<T> {
  try {
    return await keepAliveFor(ANSWER_PATIENCE_MS, call);
  } catch (error) {
    const { code, message } = error as Error & { code?: string };
    throw code && code in EXPLANATIONS ? new DriverError(code as DriverErrorCode, message) : error;
  }
}
