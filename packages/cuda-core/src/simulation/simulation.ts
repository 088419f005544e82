import { readFileSync, statSync } from 'node:fs';
import { native, SIMULATED_LIBRARIES } from '../native.js';
import { type Description, readText } from './description.js';
import { SimulationError } from './errors.js';
import { readJson } from './json-description.js';
import { layOut, type SimulatedDevice } from './layout.js';

const LONGEST_JSON = 2 ** 20;

/** What it takes to meet the simulated driver: in this process, or in a child. */
export interface Simulation {
  /** For `openDriver`. */
  libraryDirectory: string;
  /** To be put into the environment before the driver is opened. */
  environment: Record<string, string>;
  /** GPUs in PCI order, each followed by its MIG instances. */
  devices: SimulatedDevice[];
}

/**
 * Reads a description: text such as `2xH100-80GB`, JSON, or the name of a file that ends in `.json`. Same description, same
 * UUIDs.
 * @throws SimulationError
 */
export function parseSimulation(spec: string): SimulatedDevice[] {
  return layOut(describe(spec)).devices;
}

/**
 * Makes the simulated devices' state, in a file that the simulated driver maps, in this process and in others. A file that
 * holds just these devices already is kept as it is: whoever has it mapped goes on seeing what the others see.
 * @throws SimulationError
 */
export function createSimulation(spec: string, stateFile: string): Simulation {
  const description = describe(spec);
  const { devices, native: records } = layOut(description);
  const [major, minor] = description.cudaVersion.split('.').map(Number) as [number, number];
  const driver = { driverVersion: description.driverVersion, cudaVersion: major * 1000 + minor * 10 };
  native().writeSimulation(stateFile, records, driver);
  return {
    libraryDirectory: SIMULATED_LIBRARIES,
    environment: { BERTH_SIMULATED_STATE: stateFile },
    devices,
  };
}

function describe(spec: string): Description {
  if (/^\s*[[{]/.test(spec)) return readJson(limited(spec, spec.length));
  if (!spec.endsWith('.json')) return readText(spec);
  const shown = spec.length > 200 ? `${spec.slice(0, 200)}…` : spec;
  try {
    const status = statSync(spec);
    // Of a pipe or a device nobody knows when it ends.
    if (!status.isFile()) throw new SimulationError('it is no file');
    const { size } = status;
    return readJson(limited(size > LONGEST_JSON ? '' : readFileSync(spec, 'utf8'), size));
  } catch (error) {
    if (error instanceof SimulationError) throw new SimulationError(`${shown}: ${error.message}`);
    throw new SimulationError(`${shown} can't be read: ${(error as Error).message.slice(0, 200)}`);
  }
}

function limited(json: string, size: number): string {
  if (size <= LONGEST_JSON) return json;
  throw new SimulationError('the description is longer than 1 MiB');
}
