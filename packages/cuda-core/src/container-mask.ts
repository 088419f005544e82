import type { MaskDevice } from './mask.js';

/**
 * Reads NVIDIA_VISIBLE_DEVICES, by which containers are told which GPUs they get (NVIDIA Container Toolkit, "GPU
 * Enumeration"): unset, empty, `void` and `all` restrict nothing that the driver shows, `none` is none; else indexes, GPU
 * UUIDs, MIG UUIDs and `0:1`.
 *
 * Inside a container the toolkit has applied it already: the driver shows no more, and has numbered anew what is left. So
 * indexes are only read where the driver shows more GPUs than the list names.
 * @returns the devices that are left, or null where nothing is restricted
 */
export function readContainerMask(
  value: string | undefined,
  devices: readonly MaskDevice[],
): MaskDevice[] | null {
  const text = value?.trim() ?? '';
  if (text === '' || text === 'void' || text === 'all') return null;
  if (text === 'none') return [];
  const entries = text.split(',').map((entry) => entry.trim());
  const gpus = new Set(devices.map(({ uuid, mig }) => mig?.parent ?? uuid));
  const byIndex = entries.every((entry) => /^\d+(:\d+)?$/.test(entry));
  if (byIndex && gpus.size <= new Set(entries.map((entry) => entry.split(':')[0])).size) return null;
  return devices.filter((device) => entries.some((entry) => names(entry, device)));
}

function names(entry: string, { uuid, index, mig }: MaskDevice): boolean {
  if (entry === uuid || entry === mig?.parent) return true;
  return entry === String(index) || (mig != null && entry === `${index}:${mig.index}`);
}
