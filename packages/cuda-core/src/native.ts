import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import type { DeviceSample, Enumeration } from './facts.js';

/** What the addon offers. Its driver calls run on a thread of the driver's own; its errors carry a `code`. */
interface Native {
  Driver: new (
    directory: string,
  ) => {
    open(): Promise<void>;
    enumerate(): Promise<Enumeration>;
    sample(): Promise<Omit<DeviceSample, 'takenAt'>[]>;
    close(): Promise<void>;
  };
  writeSimulation(path: string, devices: NativeSimulatedDevice[]): void;
  simulatedUuids(path: string): string[] | null;
  changeSimulation(path: string, change: object): void;
}

export interface NativeSimulatedDevice {
  uuid: string;
  name: string;
  memoryBytes: number;
  computeMajor: number;
  computeMinor: number;
  pciBus: number;
}

export const native = createRequire(import.meta.url)('../build/cuda_core.node') as Native;

/** Where the simulated libnvidia-ml.so.1 and libcuda.so.1 are. */
export const SIMULATED_LIBRARIES = fileURLToPath(new URL('../build/simulated', import.meta.url));
