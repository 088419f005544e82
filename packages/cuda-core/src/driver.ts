import type { DeviceSample, Enumeration } from './facts.js';
import { native } from './native.js';

/** NVIDIA's driver, opened. Each call runs on the driver's own thread; one that hangs keeps nothing else from going on. */
export interface Driver {
  enumerate(): Promise<Enumeration>;
  sample(): Promise<DeviceSample[]>;
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
  const driver = new native.Driver(options.libraryDirectory ?? '');
  try {
    await driver.open();
  } catch (error) {
    const { code, message } = error as Error & { code: DriverErrorCode };
    throw new DriverError(code, message);
  }
  return {
    enumerate: () => driver.enumerate(),
    sample: async () => {
      const samples = await driver.sample();
      const takenAt = Date.now();
      return samples.map((sample) => ({ ...sample, takenAt }));
    },
    close: () => driver.close(),
  };
}
