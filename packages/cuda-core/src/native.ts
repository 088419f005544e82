import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import type { RawDeviceFacts, RawDriverFacts, RawEvent, RawLink, RawSample } from './raw-answers.js';
import type { NativeSimulatedDevice } from './simulation/layout.js';

/** What the addon offers. Its driver calls run on a thread of the driver's own; its errors carry a `code`. */
interface Native {
  /** A call that is under way doesn't keep the process alive. */
  Driver: new (
    directory: string,
  ) => {
    open(): Promise<void>;
    facts(): Promise<RawDriverFacts>;
    /** How many GPUs there are. */
    count(): Promise<number>;
    /** A GPU by NVML's own index, followed by its MIG instances. */
    gpu(index: number): Promise<RawDeviceFacts[]>;
    /** From a GPU to all others that `gpu` has told of. */
    links(uuid: string): Promise<RawLink[]>;
    /** Of one device, by its UUID. */
    sample(uuid: string): Promise<RawSample>;
    /** Waits this long for what the driver tells by itself. */
    events(milliseconds: number): Promise<RawEvent[]>;
    close(): Promise<void>;
    /** Leaves a call alone that doesn't come back: later ones go to a new thread. */
    abandon(): void;
  };
  writeSimulation(
    path: string,
    devices: NativeSimulatedDevice[],
    driver: { driverVersion: string; cudaVersion: number },
  ): void;
  simulatedUuids(path: string): string[] | null;
  changeSimulation(path: string, change: object): void;
}

/** The folder of what was built: for tests also one with sanitizers. */
export const NATIVE_BUILD = process.env.BERTH_NATIVE_BUILD ?? 'build';

let loaded: Native | undefined;

/**
 * The addon, loaded when it is first asked for: masks need none.
 * @throws Error where it isn't built, or was built for another system
 */
export function native(): Native {
  try {
    loaded ??= createRequire(import.meta.url)(`../${NATIVE_BUILD}/cuda_core.node`) as Native;
  } catch (error) {
    throw new Error(
      `Berth's native device core can't be loaded (${(error as Error).message.split('\n', 1)[0]}); build it with: npm run build:native`,
      { cause: error },
    );
  }
  return loaded;
}

/** Where the simulated libnvidia-ml.so.1 and libcuda.so.1 are. */
export const SIMULATED_LIBRARIES = fileURLToPath(new URL(`../${NATIVE_BUILD}/simulated`, import.meta.url));
