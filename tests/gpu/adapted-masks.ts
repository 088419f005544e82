import type { MaskDevice } from '@berth/cuda-core';
import {
  AS_CUDA,
  AS_CUDA_DIVIDED,
  DIVIDED,
  UUIDS,
} from '../../packages/cuda-core/src/mask-cases.test-support.js';

/**
 * The masks of the table, with the UUIDs of the devices that are here in place of the table's: whole ones, beginnings of
 * the same length, and ones that are too long. With fewer devices than the table has, its further ones become the first
 * again, and its indexes name devices that aren't there: then the row shows something else than in the table, but
 * still the same to CUDA and to whoever reads as CUDA does.
 */
export function masksFor(devices: readonly MaskDevice[]): (string | undefined)[] {
  const gpus = [
    ...new Set(devices.map(({ uuid, mig }) => mig?.parent ?? uuid)), // A divided GPU is known by its instances.
  ];
  const instances = devices.filter(({ mig }) => mig);
  const whole = AS_CUDA.map(([mask]) =>
    adapted(
      mask,
      UUIDS.map((uuid, i) => [uuid, gpus[i % gpus.length] as string]),
    ),
  );
  if (instances.length === 0) return unique(whole);

  const parents = unique(DIVIDED.map(({ mig, uuid }) => mig?.parent ?? uuid));
  const pairs: [string, string][] = [
    ...DIVIDED.filter(({ mig }) => mig).map(({ uuid }, i): [string, string] => [
      uuid,
      (instances[i % instances.length] as MaskDevice).uuid,
    ]),
    ...parents.map((uuid, i): [string, string] => [uuid, gpus[i % gpus.length] as string]),
  ];
  const divided = AS_CUDA_DIVIDED.map(([mask]) => adapted(mask, pairs));
  const byPlace = instances.map(
    ({ mig }) => `MIG-${mig?.parent}/${mig?.gpuInstance}/${mig?.computeInstance}`,
  );
  return unique([...whole, ...divided, ...byPlace]);
}

/** @param pairs the table's UUID, and the one that stands for it here */
function adapted(mask: string | undefined, pairs: readonly [string, string][]): string | undefined {
  return mask?.replaceAll(/(GPU-|MIG-|MIG-GPU-)([0-9a-f-]+)/gi, (entry, prefix: string, name: string) => {
    const digits = name.toLowerCase();
    const pair = pairs.find(([uuid]) => {
      const own = digitsOf(uuid);
      return own.startsWith(digits) || digits.startsWith(own);
    });
    if (!pair) return entry;
    const [from, to] = pair.map(digitsOf) as [string, string];
    const replaced = to.slice(0, digits.length) + digits.slice(from.length);
    return prefix + (name === digits ? replaced : replaced.toUpperCase());
  });
}

const digitsOf = (uuid: string): string => uuid.slice('GPU-'.length);

const unique = <T>(values: readonly T[]): T[] => [...new Set(values)];
