import { byNode, type SchedulableDevice } from '@berth/scheduler';
import { InputError } from './trace.js';

const FORM = '[NODESx]DEVICESxMODEL[-MEMORYGB], such as 64xH100-80GB or 8x8xA100-80GB, several joined by +';
const PART = /^(?:(\d{1,6})x)?(\d{1,6})x([A-Za-z][A-Za-z0-9-]*)$/;
const MEMORY = /-(\d+)GB$/i;
const MOST_DEVICES = 4096;
/** As the daemon counts two GPUs that NVLink connects. */
const NVLINK_DISTANCE = 1;

/**
 * Reads a description of a cluster: `8x8xA100-80GB` is eight nodes of eight devices, `64xH100-80GB` one node of 64. Within a
 * node every device reaches every other by NVLink.
 * @throws InputError when the text is no such description
 */
export function parseCluster(text: string): SchedulableDevice[] {
  const devices: SchedulableDevice[] = [];
  let node = 0;
  for (const part of text.split('+')) {
    const match = PART.exec(part);
    const [nodes, count] = [Number(match?.[1] ?? 1), Number(match?.[2])];
    if (!match || nodes === 0 || count === 0)
      throw new InputError(`'${part.slice(0, 40)}' describes no cluster; write ${FORM}`);
    if (devices.length + nodes * count > MOST_DEVICES)
      throw new InputError(`'${text.slice(0, 40)}' has more than ${MOST_DEVICES} devices`);
    for (let i = 0; i < nodes; i += 1) {
      node += 1;
      devices.push(...nodeOf(`node${String(node).padStart(4, '0')}`, count, match[3] as string));
    }
  }
  return devices;
}

function nodeOf(node: string, count: number, model: string): SchedulableDevice[] {
  const gigabytes = MEMORY.exec(model)?.[1];
  const uuids = Array.from({ length: count }, (_, index) => `${node}-${index}`);
  return uuids.map((uuid, index) => ({
    uuid,
    index,
    node,
    instance: null,
    memoryBytes: gigabytes === undefined ? null : Number(gigabytes) * 1e9,
    model,
    computeCapability: null,
    distances: Object.fromEntries(
      uuids.filter((other) => other !== uuid).map((other) => [other, NVLINK_DISTANCE]),
    ),
    labels: {},
    obstacle: null,
  }));
}

/** The most devices that one job can have. */
export const largestNode = (devices: readonly SchedulableDevice[]): number =>
  Math.max(...byNode(devices).map(({ length }) => length));
