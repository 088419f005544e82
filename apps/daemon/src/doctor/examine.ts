import type { Device, DoctorReport, Driver, Finding, Restart } from '@berth/contract';
import type { ControlGroups } from '@berth/task-shim';
import type { DataDirectory } from '../data-directory.js';
import { deviceEnvironment, inheritedEnvironment } from '../job-environment.js';
import { judgeContainment } from './containment.js';
import { judgeDaemon } from './daemon.js';
import { judgeDevices } from './devices.js';
import { examineDriver, judgeDriver } from './driver.js';
import { examineHost, judgeHost } from './host.js';
import { judgeTorch } from './pytorch.js';
import { findPython, probeTorch } from './torch-probe.js';

/** What a doctor is handed. */
export interface Patient {
  node: string;
  driver: Driver;
  devices: readonly Device[];
  directories: DataDirectory;
  daemonRestarts: readonly Restart[];
  /** What is said of Redis, and of what is in it. */
  redis: () => Promise<Finding[]>;
  /** Where tasks get control groups, or why nowhere. */
  containment: ControlGroups | { problem: string };
  /** The python to ask; null: the first on the PATH. */
  python: string | null;
}

/** Looks at all that a person would check by hand. What takes long runs in processes of its own. */
export async function examine(patient: Patient): Promise<DoctorReport> {
  const { node, driver, devices, directories } = patient;
  const environment = environmentOfJob(devices);
  const python = patient.python ?? findPython(environment);
  const [versions, torch, redis] = await Promise.all([
    examineDriver(),
    python === null ? null : probeTorch(python, environment),
    patient.redis(),
  ]);
  const findings = [
    ...judgeDaemon(patient.daemonRestarts),
    ...judgeDriver(driver, versions),
    ...judgeDevices(devices, driver),
    ...judgeTorch(python, torch, driver, devices),
    ...redis,
    // After PyTorch, whose first use of CUDA makes device files.
    ...judgeHost(await examineHost(directories)),
    judgeContainment(patient.containment),
  ];
  return { at: new Date().toISOString(), node, findings };
}

/** As a job gets it that is given every device that is there. */
function environmentOfJob(devices: readonly Device[]): NodeJS.ProcessEnv {
  const there = devices.filter(({ health }) => health.state !== 'lost');
  const { CUDA_VISIBLE_DEVICES } = process.env;
  // Without any, PyTorch is to say itself what is the matter.
  const mask = there.length > 0 ? deviceEnvironment(there) : { CUDA_VISIBLE_DEVICES };
  return { ...inheritedEnvironment(), ...mask };
}
