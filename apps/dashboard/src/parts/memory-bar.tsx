import type { Device } from '@berth/contract';
import { gibibytes, OTHERS_JOB } from '../figures.js';

interface Part {
  kind: 'job' | 'foreign' | 'other' | 'reserved' | 'free';
  label: string;
  bytes: number;
}

/**
 * One bar of what a device's memory is: used by each job, by strangers, by the driver itself; what jobs that share it declared
 * and don't use yet; and what is really free.
 */
export function MemoryBar({ device }: { device: Device }) {
  const total = device.memoryTotalBytes;
  const used = device.sample?.memoryUsedBytes ?? null;
  if (total === null || used === null) return <p class="muted">memory: not known</p>;
  const parts = partsOf(device, total, used);
  const text = parts.map(({ label, bytes }) => `${label} ${gibibytes(bytes)} GiB`).join(', ');
  return (
    <div class="memory">
      {/* biome-ignore lint/a11y/useSemanticElements: a meter element has one part only */}
      <div
        class="memory-bar"
        role="meter"
        aria-label={`Memory of device ${device.index}`}
        aria-valuemin={0}
        aria-valuemax={total}
        aria-valuenow={used}
        aria-valuetext={text}
      >
        {parts
          .filter(({ kind, bytes }) => bytes > 0 && kind !== 'free')
          .map(({ kind, label, bytes }) => (
            <span
              class={kind}
              key={label}
              style={{ width: `${(bytes / total) * 100}%` }}
              title={`${label}: ${gibibytes(bytes)} GiB`}
            />
          ))}
      </div>
      <p class="legend">
        {gibibytes(used)} of {gibibytes(total)} GiB used
        {parts
          .filter(({ bytes }) => bytes > 0)
          .map(({ kind, label, bytes }) => (
            <span key={label}>
              {' '}
              <i class={kind} aria-hidden="true" /> {label} {gibibytes(bytes)}
            </span>
          ))}
      </p>
    </div>
  );
}

function partsOf({ sample, holders }: Device, total: number, used: number): Part[] {
  const parts: Part[] = [];
  const byJob = new Map<string, { label: string; bytes: number }>();
  let foreign = 0;
  for (const { job, number, memoryBytes } of sample?.processes ?? []) {
    const bytes = memoryBytes ?? 0;
    if (job === null) foreign += bytes;
    else
      byJob.set(job, {
        label: number === null ? OTHERS_JOB : `job ${number}`,
        bytes: (byJob.get(job)?.bytes ?? 0) + bytes,
      });
  }
  for (const part of byJob.values()) parts.push({ kind: 'job', ...part });
  if (foreign > 0) parts.push({ kind: 'foreign', label: 'no job of Berth', bytes: foreign });
  const named = parts.reduce((sum, { bytes }) => sum + bytes, 0);
  parts.push({ kind: 'other', label: 'driver and contexts', bytes: Math.max(0, used - named) });
  const declared = holders.reduce(
    (sum, { job, sharedBytes }) => sum + Math.max(0, (sharedBytes ?? 0) - (byJob.get(job)?.bytes ?? 0)),
    0,
  );
  // Whoever has a device to themselves has all of it, used or not.
  const reserved = holders.some(({ sharedBytes }) => sharedBytes === null) ? total - used : declared;
  parts.push({ kind: 'reserved', label: 'reserved, not used', bytes: Math.min(reserved, total - used) });
  parts.push({ kind: 'free', label: 'free', bytes: Math.max(0, total - used - reserved) });
  return parts;
}
