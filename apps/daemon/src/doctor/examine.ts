import type { Device, DoctorReport, Driver, Finding } from '@berth/contract';
import type { DataDirectory } from '../data-directory.js';
import { judgeDevices } from './devices.js';
import { judgeDriver, kernelModuleVersion } from './driver.js';
import { examineHost, judgeHost } from './host.js';
import { findPython, judgeTorch, probeTorch } from './pytorch.js';

/** What a doctor is handed. */
export interface Patient {
  node: string;
  driver: Driver;
  devices: readonly Device[];
  directories: DataDirectory;
  /** What is said of Redis. */
  redis: () => Promise<Finding[]>;
  /** The python to ask; null: the first on the PATH. */
  python: string | null;
  /** That jobs get. */
  environment: NodeJS.ProcessEnv;
}

/** Looks at all that a person would check by hand. What takes long runs in processes of its own. */
export async function examine(patient: Patient): Promise<DoctorReport> {
  const { node, driver, devices, directories, environment } = patient;
  const python = patient.python ?? findPython(environment);
  const [torch, redis] = await Promise.all([
    python === null ? null : probeTorch(python, environment),
    patient.redis(),
  ]);
  const findings = [
    ...judgeDriver(driver, kernelModuleVersion()),
    ...judgeDevices(devices, driver),
    ...judgeTorch(python, torch, driver, devices),
    ...redis,
    ...judgeHost(examineHost(directories)),
  ];
  return { at: new Date().toISOString(), node, findings };
}
