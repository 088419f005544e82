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

  constructor(device: string, patienceMs: number, answered: Promise<unknown>) {
    super(`device ${device}: the driver has not answered for ${patienceMs / 1000} s`);
    this.answered = answered;
  }
}

/** The addon's error, explained where it is one of the driver's. */
export function driverError(error: Error & { code?: string }): Error {
  const { code, message } = error;
  return code && Object.hasOwn(EXPLANATIONS, code)
    ? new DriverError(code as DriverErrorCode, message)
    : error;
}
