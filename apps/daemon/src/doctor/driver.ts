import { readFileSync } from 'node:fs';
import type { Driver, Finding } from '@berth/contract';
import { findingsOf } from './finding.js';

const { ok, note, warning, problem } = findingsOf('driver');

/** The kernel module's version, as it says itself; null: it isn't loaded (or hides it). */
export function kernelModuleVersion(): string | null {
  try {
    const text = readFileSync('/proc/driver/nvidia/version', 'utf8');
    return /Kernel Module[^\d]*(\d+\.\d+(?:\.\d+)?)/.exec(text)?.[1] ?? null;
  } catch {
    return null;
  }
}

export function judgeDriver(driver: Driver, moduleVersion: string | null): Finding[] {
  const findings: Finding[] = [];
  if (driver.problem) {
    const { code, detail, hint } = driver.problem;
    findings.push(
      code === 'nvml_missing' ? warning('driver', detail, hint) : problem('driver', detail, hint),
    );
    if (code === 'driver_not_found' && moduleVersion !== null) {
      findings.push(
        warning(
          'driver-library',
          `the kernel has NVIDIA's module ${moduleVersion}, but the libraries of the driver are not to be found`,
          'Install the libraries of the same version; in a container, start it with the NVIDIA runtime (--gpus all)',
        ),
      );
    }
  } else {
    const simulated = driver.simulated ? ' (simulated: no real GPU is used)' : '';
    const sentence = `NVIDIA driver ${driver.driverVersion ?? 'of unknown version'}, for CUDA ${driver.cudaVersion ?? '?'} and older${simulated}`;
    findings.push(driver.simulated ? note('driver', sentence) : ok('driver', sentence));
    if (
      !driver.simulated &&
      moduleVersion !== null &&
      driver.driverVersion !== null &&
      moduleVersion !== driver.driverVersion
    ) {
      findings.push(
        problem(
          'driver-versions',
          `the kernel module is of version ${moduleVersion}, the libraries are of ${driver.driverVersion}: the driver was upgraded while the old module runs on`,
          'Reboot, or unload and load the module once nothing uses the devices (rmmod nvidia_uvm nvidia; modprobe nvidia)',
        ),
      );
    }
  }
  findings.push(...driver.remarks.map((remark) => note('driver-remark', remark)));
  return findings;
}
