import { native } from '../native.js';
import { SimulationError } from './errors.js';

/** What may be changed of a running simulation. */
export interface SimulationChange {
  /** A GPU by its index, a MIG instance as `0:1`, or either by its UUID. */
  device?: number | string;
  /** 0 … 100. */
  utilisationPercent?: number;
  temperatureCelsius?: number;
  powerMilliwatts?: number;
  smMegahertz?: number;
  /** Bits of nvmlClocksEventReasons, such as 4 for the power limit. */
  throttleReasons?: number;
  /** nvmlComputeMode_t, such as 2 for prohibited. */
  computeMode?: number;
  eccCorrected?: number;
  eccUncorrected?: number;
  rowsCorrectable?: number;
  rowsUncorrectable?: number;
  /** 0 or 1. */
  rowsPending?: number;
  rowsFailed?: number;
  /** 0: its memory has no sensor. */
  memoryTemperatureCelsius?: number;
  energyJoules?: number;
  pcieReplays?: number;
  nvlinkTransmittedMebibytes?: number;
  nvlinkReceivedMebibytes?: number;
  nvlinkFlitCrcErrors?: number;
  nvlinkDataCrcErrors?: number;
  nvlinkReplays?: number;
  nvlinkRecoveries?: number;
  /** What a process has taken on the device: 0 takes it away, null is memory that the driver doesn't tell. */
  process?: { pid: number; memoryBytes: number | null };
  /** An error of this number, which the driver tells of by itself. */
  xid?: number;
  /** false: it is not there at all, as after a reboot without it. */
  present?: boolean;
  /** What NVML answers from now on when it is asked for the device, such as 15: it is lost. */
  handleResult?: number;
  /** What NVML answers to questions for the device's figures, such as 3: not supported. */
  figuresResult?: number;
  /** How long it takes to answer these: a device that hangs. 0 lets those go that wait. */
  hangMilliseconds?: number;
  /** What nvmlInit answers, such as 18 for a version mismatch. */
  initResult?: number;
  /** What NVML answers when it is asked how many devices there are. */
  countResult?: number;
  /** How long it takes to answer that: a driver that hangs. */
  delayMilliseconds?: number;
}

const OF_DRIVER: readonly string[] = ['initResult', 'countResult', 'delayMilliseconds'];

/**
 * Changes the simulated devices under whoever looks at them.
 * @throws SimulationError where a figure is none; Error where the file or the device isn't there, or a device is full
 */
export function changeSimulation(stateFile: string, change: SimulationChange): void {
  const { process, device, present, ...figures } = change;
  for (const [name, figure] of Object.entries(figures)) {
    checkFigure(name, figure, name === 'utilisationPercent' ? 100 : 2 ** 32 - 1);
  }
  if (process) {
    if (process.pid === 0) throw new SimulationError('pid is 0: that is no process');
    checkFigure('pid', process.pid, 2 ** 32 - 2);
    if (process.memoryBytes !== null)
      checkFigure('memoryBytes', process.memoryBytes, Number.MAX_SAFE_INTEGER);
  }
  const isOfDevice = process ?? present ?? Object.keys(figures).find((name) => !OF_DRIVER.includes(name));
  if (isOfDevice !== undefined && device === undefined) {
    throw new SimulationError('a figure of a device is to be changed, but no device is named');
  }
  native().changeSimulation(stateFile, {
    ...figures,
    ...(process ? { process } : {}),
    ...(present === undefined ? {} : { absent: present ? 0 : 1 }),
    ...(device === undefined ? {} : { place: placeOf(stateFile, device) }),
  });
}

/** The place of a device in the state's list, in which each GPU is followed by its instances. */
function placeOf(stateFile: string, device: number | string): number {
  const uuids = native().simulatedUuids(stateFile);
  if (!uuids) throw new Error(`${stateFile} is no state of a simulated driver`);
  const [gpu, instance] = String(device).split(':');
  let index = -1;
  for (const [place, uuid] of uuids.entries()) {
    if (uuid === device) return place;
    if (!uuid.startsWith('GPU-')) continue;
    index += 1;
    if (String(index) !== gpu) continue;
    if (instance === undefined) return place;
    const wanted = place + 1 + Number(instance);
    if (
      /^\d{1,2}$/.test(instance) &&
      uuids.slice(place + 1, wanted + 1).every((each) => each.startsWith('MIG-'))
    ) {
      if (wanted < uuids.length) return wanted;
    }
    break;
  }
  throw new Error(`there is no simulated device ${device}`);
}

function checkFigure(name: string, figure: number, most: number): void {
  if (Number.isInteger(figure) && figure >= 0 && figure <= most) return;
  throw new SimulationError(`${name} is ${figure}: it must be a whole number from 0 to ${most}`);
}
