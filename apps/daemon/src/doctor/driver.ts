import { readFile, realpath } from 'node:fs/promises';
import type { Driver, Finding } from '@berth/contract';
import { findingsOf } from './finding.js';

const { ok, note, warning, problem } = findingsOf('driver');

/** Of what versions the driver's parts are; null: not to be known, mostly since there is none. */
export interface DriverVersions {
  kernelModule: string | null;
  /** Of the library that a process started now would load: an upgrade replaces it while we still use the old one. */
  library: string | null;
}

export async function examineDriver(): Promise<DriverVersions> {
  const [version, maps] = await Promise.all([
    textOf('/proc/driver/nvidia/version'),
    textOf('/proc/self/maps'),
  ]);
  const [loaded = null, directory = null] = /(\/.*)\/libnvidia-ml\.so\.\d.*$/m.exec(maps) ?? [];
  const file = directory && (await realpath(`${directory}/libnvidia-ml.so.1`).catch(() => loaded));
  return { kernelModule: kernelModuleIn(version), library: libraryVersionIn(file ?? '') };
}

/** @param text such as `NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  570.86.15  Release Build …` */
export function kernelModuleIn(text: string): string | null {
  return /^NVRM version:.*?\s(\d+\.\d+(?:\.\d+)?)\s/m.exec(text)?.[1] ?? null;
}

/** @param file such as `/usr/lib/x86_64-linux-gnu/libnvidia-ml.so.570.86.15` */
export function libraryVersionIn(file: string): string | null {
  return /\.so\.(\d+\.\d+(?:\.\d+)?)\b/.exec(file)?.[1] ?? null;
}

/** Empty: there is no such file, or it may not be read. */
function textOf(file: string): Promise<string> {
  return readFile(file, 'utf8').catch(() => '');
}

export function judgeDriver(driver: Driver, { kernelModule, library }: DriverVersions): Finding[] {
  const mismatch =
    !driver.simulated && kernelModule !== null && library !== null && kernelModule !== library
      ? problem(
          'driver-versions',
          `the kernel module is of version ${kernelModule}, the libraries are of ${library}: the driver was upgraded while the old module runs on, and whatever is started now fails with 'Driver/library version mismatch'`,
          'Reboot, or unload and load the module once nothing uses the devices (rmmod nvidia_uvm nvidia; modprobe nvidia)',
        )
      : null;
  const findings: Finding[] = [];
  if (mismatch) findings.push(mismatch);
  if (driver.problem) {
    const { code, detail, hint } = driver.problem;
    const isSaid = mismatch !== null && code === 'driver_version_mismatch';
    if (code === 'nvml_missing') findings.push(warning('driver', detail, hint));
    else if (!isSaid) findings.push(problem('driver', detail, hint));
    if (code === 'driver_not_found' && kernelModule !== null) {
      findings.push(
        warning(
          'driver-library',
          `the kernel has NVIDIA's module ${kernelModule}, but the libraries of the driver are not to be found`,
          'Install the libraries of the same version; in a container, start it with the NVIDIA runtime (--gpus all)',
        ),
      );
    }
  } else {
    const simulated = driver.simulated ? ' (simulated: no real GPU is used)' : '';
    const sentence = `NVIDIA driver ${driver.driverVersion ?? 'of unknown version'}, for CUDA ${driver.cudaVersion ?? '?'} and older${simulated}`;
    findings.push(driver.simulated ? note('driver', sentence) : ok('driver', sentence));
  }
  return findings;
}
