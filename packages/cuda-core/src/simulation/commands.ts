import type { SimulationChange } from './change.js';
import { SimulationError } from './errors.js';

const UNITS: Record<string, number> = { '': 1, MIB: 2 ** 20, GIB: 2 ** 30 };

/** Names that people type, and what each is in a change: whole numbers as they are, or times what NVML counts by. */
const FIGURES: Record<string, { field: keyof SimulationChange; times: number }> = {
  utilisation: { field: 'utilisationPercent', times: 1 },
  temperature: { field: 'temperatureCelsius', times: 1 },
  'memory-temperature': { field: 'memoryTemperatureCelsius', times: 1 },
  power: { field: 'powerMilliwatts', times: 1000 },
  'sm-clock': { field: 'smMegahertz', times: 1 },
  throttle: { field: 'throttleReasons', times: 1 },
  'compute-mode': { field: 'computeMode', times: 1 },
  'ecc-corrected': { field: 'eccCorrected', times: 1 },
  'ecc-uncorrected': { field: 'eccUncorrected', times: 1 },
  'rows-remapped': { field: 'rowsUncorrectable', times: 1 },
  'rows-pending': { field: 'rowsPending', times: 1 },
  'rows-failed': { field: 'rowsFailed', times: 1 },
  energy: { field: 'energyJoules', times: 1 },
  'pcie-replays': { field: 'pcieReplays', times: 1 },
  'nvlink-transmitted': { field: 'nvlinkTransmittedMebibytes', times: 1 },
  'nvlink-received': { field: 'nvlinkReceivedMebibytes', times: 1 },
  'nvlink-replays': { field: 'nvlinkReplays', times: 1 },
};

const LOST = 15;
const FOREVER_SECONDS = 1_000_000;

/** What can be done to a simulation: `words` as in the help, and the changes that it comes to. */
export interface Command {
  usage: string;
  does: string;
  changes(words: readonly string[]): SimulationChange[];
}

export const COMMANDS: Record<string, Command> = {
  process: {
    usage: 'process DEVICE PID BYTES',
    does: 'a process has taken memory: 40GiB, 512MiB or bytes; 0 takes it away, "untold" isn\'t told',
    changes: ([device, pid, bytes]) => {
      const memoryBytes = bytes === 'untold' ? null : bytesOf(bytes);
      return [{ device: deviceOf(device), process: { pid: wholeOf(pid, 'a process id'), memoryBytes } }];
    },
  },
  xid: {
    usage: 'xid DEVICE NUMBER',
    does: 'the driver tells of an error, such as 79 (fallen off the bus) or 31 (page fault)',
    changes: ([device, xid]) => [{ device: deviceOf(device), xid: wholeOf(xid, "an XID's number") }],
  },
  lose: {
    usage: 'lose DEVICE',
    does: 'the device has fallen off the bus',
    changes: ([device]) => [{ device: deviceOf(device), handleResult: LOST }],
  },
  return: {
    usage: 'return DEVICE',
    does: 'a device that was lost, removed or hung is itself again',
    changes: ([device]) => [
      { device: deviceOf(device), handleResult: 0, figuresResult: 0, hangMilliseconds: 0, present: true },
    ],
  },
  remove: {
    usage: 'remove DEVICE',
    does: 'the device is not there at all any more',
    changes: ([device]) => [{ device: deviceOf(device), present: false }],
  },
  hang: {
    usage: 'hang DEVICE [SECONDS]',
    does: 'questions for the device take so long (without a number: until it is released)',
    changes: ([device, seconds]) => [{ device: deviceOf(device), hangMilliseconds: milliseconds(seconds) }],
  },
  release: {
    usage: 'release DEVICE',
    does: 'it answers again, also those who wait',
    changes: ([device]) => [{ device: deviceOf(device), hangMilliseconds: 0 }],
  },
  'hang-driver': {
    usage: 'hang-driver [SECONDS]',
    does: 'so does counting the devices; 0: not any more',
    changes: ([seconds]) => [{ delayMilliseconds: milliseconds(seconds) }],
  },
  set: {
    usage: 'set DEVICE NAME=VALUE …',
    does: `figures: ${Object.keys(FIGURES).join(', ')}`,
    changes: ([device, ...pairs]) => {
      if (pairs.length === 0) throw new SimulationError('name a figure, such as temperature=80');
      return [{ device: deviceOf(device), ...Object.fromEntries(pairs.map(figureOf)) }];
    },
  },
};

function figureOf(pair: string): [string, number] {
  const [name = '', value] = pair.split('=', 2);
  const figure = Object.hasOwn(FIGURES, name) ? FIGURES[name] : undefined;
  if (!figure)
    throw new SimulationError(`there is no figure '${name}'; there are ${Object.keys(FIGURES).join(', ')}`);
  return [figure.field, wholeOf(value, `${name}=N`) * figure.times];
}

function deviceOf(word: string | undefined): string {
  if (word) return word;
  throw new SimulationError('name a device: its index, 0:1 for a MIG instance, or its UUID');
}

function wholeOf(word: string | undefined, what: string): number {
  if (word !== undefined && /^\d{1,10}$/.test(word)) return Number(word);
  throw new SimulationError(`'${word ?? ''}' is no whole number; ${what} is wanted`);
}

function milliseconds(seconds: string | undefined): number {
  return (seconds === undefined ? FOREVER_SECONDS : wholeOf(seconds, 'a number of seconds')) * 1000;
}

function bytesOf(word: string | undefined): number {
  const match = /^(\d{1,15}(?:\.\d{1,3})?)\s*([A-Za-z]*)$/.exec(word ?? '');
  const unit = UNITS[(match?.[2] ?? 'x').toUpperCase()];
  if (match && unit !== undefined) return Math.round(Number(match[1]) * unit);
  throw new SimulationError(`'${word ?? ''}' is no size; write for example 40GiB, 512MiB or 1073741824`);
}
