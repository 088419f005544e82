import { type DeviceProcess, formatBytes, type ObstacleCode } from '@berth/contract';
import type { DeviceEvent, DeviceFacts, DeviceSample } from '@berth/cuda-core';
import { meaningOfXid, type XidMeaning } from '@berth/cuda-core';
import type { Reach } from '../devices/inventory.js';
import type { DeviceUse } from './device-use.js';

/*
 * What follows from what is seen of a device: pure rules. Some obstacles pass with their reason; an ailment takes the
 * device out until somebody resumes it.
 */

export interface Finding {
  code: ObstacleCode;
  sentence: string;
}

/** Reason to take a device out until somebody resumes it. */
export interface Ailment extends Finding {
  /** Whether the job on it can't go on. */
  endsJob: boolean;
}

/** Why a device is to be taken out, as its figures show; null where nothing is wrong. */
export function ailmentOf(reach: Reach, sample: DeviceSample | null): Ailment | null {
  if (reach === 'lost') {
    const sentence =
      'the driver says that it is lost (fallen off the bus); see the kernel log (dmesg | grep -i xid), reset it or reboot, then resume it';
    return { code: 'lost', sentence, endsJob: true };
  }
  if (sample?.remappedRows?.failed) {
    const sentence =
      'its memory has bad rows that could not be remapped; it is to be replaced (nvidia-smi -q -d ROW_REMAPPER says more)';
    return { code: 'unwell', sentence, endsJob: false };
  }
  return null;
}

/** What an error that the driver reports means for the device; null where it is no reason to take it out. */
export function ailmentOfEvent(event: DeviceEvent): Ailment | null {
  if (event.kind === 'doubleBitEcc') {
    const sentence = `a memory error that ECC could not correct; reset the device (nvidia-smi --gpu-reset) or reboot, then resume it`;
    return { code: 'unwell', sentence, endsJob: true };
  }
  if (event.xid === null) return null;
  const { verdict, meaning } = meaningOfXid(event.xid);
  if (verdict === 'gone') {
    const sentence = `XID ${event.xid}: ${meaning}; see the kernel log, reboot the host (a power cycle helps more often than a restart), then resume it`;
    return { code: 'lost', sentence, endsJob: true };
  }
  if (verdict === 'reset') {
    const sentence = `XID ${event.xid}: ${meaning}; reset the device (nvidia-smi --gpu-reset) or reboot, then resume it`;
    return { code: 'unwell', sentence, endsJob: true };
  }
  return null;
}

/** What to tell the owner of the job that runs on the device. */
export function noticeOfXid({ xid, meaning, verdict }: XidMeaning): string {
  const means = {
    application: 'the program erred, the device is well',
    reset: 'the device needs a reset',
    gone: 'the device is gone',
    note: 'no reason to stop',
  }[verdict];
  return `the driver reported XID ${xid}: ${meaning} (${means})`;
}

/** What keeps jobs away from a device for as long as it lasts. */
export function passingObstacles(
  device: { facts: DeviceFacts; reach: Reach; use: DeviceUse; sample: DeviceSample | null; held: boolean },
  foreignLimitBytes: number | null,
): Finding[] {
  const { facts, reach } = device;
  const findings: Finding[] = [];
  if (reach === 'unresponsive') {
    const sentence =
      'the driver does not answer for it; what runs there is left alone. Where it goes on like this, a reset of the device or a reboot most often helps (dmesg | grep -i -e nvrm -e xid says more)';
    findings.push({ code: 'unresponsive', sentence });
  }
  if (facts.computeMode === 'prohibited') {
    const sentence = `its compute mode is 'prohibited', so CUDA starts nothing on it; nvidia-smi -i ${facts.index} -c DEFAULT allows it`;
    findings.push({ code: 'prohibited', sentence });
  }
  const foreign = foreignLimitBytes === null ? null : foreignUse(device, foreignLimitBytes);
  if (foreign) findings.push(foreign);
  return findings;
}

function foreignUse(
  { use, sample, held }: { use: DeviceUse; sample: DeviceSample | null; held: boolean },
  limitBytes: number,
): Finding | null {
  if (use.processes === null) {
    // Where the driver names no processes, what is used while nobody holds the device is foreign.
    const used = sample?.memoryUsedBytes ?? 0;
    if (held || used <= limitBytes) return null;
    const sentence = `${formatBytes(used)} of its memory are in use, though no job of Berth has it; the driver doesn't say by whom`;
    return { code: 'foreign_use', sentence };
  }
  if ((use.foreignBytes ?? 0) <= limitBytes) return null;
  const foreign = use.processes.filter(({ job }) => job === null).sort((a, b) => bytesOf(b) - bytesOf(a));
  const [largest] = foreign as [DeviceProcess];
  const others = foreign.length > 1 ? `, and ${foreign.length - 1} more` : '';
  const sentence = `${describe(largest)}${others}; it belongs to no job of Berth`;
  return { code: 'foreign_use', sentence };
}

function describe({ pid, user, command, memoryBytes }: DeviceProcess): string {
  const who =
    user === null
      ? 'of a user that is not to be seen from here'
      : `of ${user}${command ? `, ${command}` : ''}`;
  return `process ${pid} (${who}) has ${formatBytes(memoryBytes ?? 0)} on it`;
}

const bytesOf = ({ memoryBytes }: DeviceProcess): number => memoryBytes ?? 0;
