import type { JobSubmission, Sharing } from '@berth/contract';
import { formatBytes } from '@berth/contract';
import type { DeviceFacts } from '@berth/cuda-core';
import { holds, type Share } from '@berth/scheduler';
import type { Ledger } from '../ledger/ledger.js';
import type { FieldErrors } from './problem.js';

const MARGIN = 1.1;
/** What a CUDA context and a library's workspace vary by, whatever the job's own memory. */
const MARGIN_BYTES = 256 * 2 ** 20;
const ROUND_TO = 64 * 2 ** 20;

/** What a job asks of one device, resolved; null: all of it. What is wrong goes into `errors`. */
export async function sharingOf(
  { sharing }: JobSubmission,
  { user, name }: { user: string; name: string },
  devices: readonly DeviceFacts[],
  ledger: Ledger,
  errors: FieldErrors,
): Promise<Sharing | null> {
  if (!sharing) return null;
  if (sharing.slots !== undefined) return { memoryBytes: null, slots: sharing.slots, proposedFrom: null };
  const proposal = sharing.memory === 'auto' ? proposalOf(await ledger.usage.peaks(user, name)) : null;
  const memoryBytes = sharing.memory === 'auto' ? proposal?.bytes : sharing.memory;
  if (memoryBytes === undefined) {
    const detail = `no run of "${name}" of ${user} has succeeded whose use of memory is known; give an amount such as "10GiB" the first time`;
    errors.push({ pointer: '#/sharing/memory', detail });
    return null;
  }
  const share = { memoryBytes };
  if (!devices.some(({ memoryTotalBytes }) => holds({ memoryBytes: memoryTotalBytes }, share))) {
    const largest = Math.max(0, ...devices.map(({ memoryTotalBytes }) => memoryTotalBytes ?? 0));
    const detail = `asks for ${formatBytes(memoryBytes)} of a device; the largest that it may use has ${formatBytes(largest)}`;
    errors.push({ pointer: '#/sharing/memory', detail });
  }
  return { memoryBytes, slots: null, proposedFrom: proposal?.from ?? null };
}

/** What the scheduler is asked for. */
export function shareOf(sharing: Sharing | null): Share | null {
  if (!sharing) return null;
  return sharing.slots === null ? { memoryBytes: sharing.memoryBytes as number } : { slots: sharing.slots };
}

/** As much as the largest of earlier runs had, and a margin; null: there is none. */
export function proposalOf(
  peaks: readonly { number: number; bytes: number }[],
): { bytes: number; from: number[] } | null {
  if (peaks.length === 0) return null;
  const most = Math.max(...peaks.map(({ bytes }) => bytes));
  const bytes = Math.ceil((most * MARGIN + MARGIN_BYTES) / ROUND_TO) * ROUND_TO;
  return { bytes, from: peaks.map(({ number }) => number) };
}
