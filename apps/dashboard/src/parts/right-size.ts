import type { Device, Job, JobMetrics } from '@berth/contract';
import { gibibytes } from '../figures.js';

/** What is left free above the peak: figures are of samples, once a second. */
const MARGIN = 1.2;
/** Who used more than this of what they had has asked for the right size. */
const WELL_USED = 0.7;
const GIB = 2 ** 30;

/**
 * What a job that is over asked for of its devices and what it used: for the next submission.
 * @param devices those of this host
 * @returns a sentence for each device where its peak is known
 */
export function rightSizes(
  { sharing, constraints, gpus }: Pick<Job, 'sharing' | 'constraints' | 'gpus'>,
  metrics: Pick<JobMetrics, 'devices'>,
  devices: readonly Pick<Device, 'uuid' | 'memoryTotalBytes'>[],
): string[] {
  return metrics.devices.flatMap(({ device, index, peakMemoryBytes: peak }) => {
    if (peak === null || peak === 0) return [];
    const total = devices.find(({ uuid }) => uuid === device)?.memoryTotalBytes ?? null;
    const part = sharing?.slots && total !== null ? total / sharing.slots : null;
    const had = sharing ? (sharing.memoryBytes ?? part) : total;
    const size = had === null ? '' : `${gibibytes(had)} GiB`;
    const has = sharing
      ? `It asked for ${size || `1/${sharing.slots}`} of device ${index}`
      : `It had device ${index}${size && ` (${size})`} to itself`;
    const said = `${has} and used ${gibibytes(peak)} GiB at the most.`;
    if (had === null || peak > had * WELL_USED || gpus > 1) return [said];
    const enough = Math.ceil((peak * MARGIN) / GIB);
    const least = constraints?.minMemoryBytes
      ? ` (it asked for a device of at least ${gibibytes(constraints.minMemoryBytes)} GiB)`
      : '';
    return [`${said} --share-memory ${enough}GiB would leave the rest to others${least}.`];
  });
}
