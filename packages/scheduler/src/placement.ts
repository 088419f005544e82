import { byNode } from './feasible.js';
import type { Needs, SchedulableDevice } from './state.js';

/** Between devices of which nobody knows how they are connected: worse than what is near, better than what is far. */
const UNKNOWN_DISTANCE = 50;

/** What tells devices apart that a job could have now. */
export interface Preferences {
  /** Bytes that are left on a device that others share already; null: it is empty. */
  sharedRoom(device: SchedulableDevice): number | null;
  /** When it was given back last, in ms since the epoch. */
  lastUsed(device: SchedulableDevice): number;
}

const NO_PREFERENCES: Preferences = { sharedRoom: () => null, lastUsed: () => 0 };

/**
 * Picks a job's devices out of those that it could have now, or null where they don't suffice (all or nothing).
 *
 * A job that names devices gets the first ones in its own order. Any other gets those with the least memory that will do,
 * so that large ones stay free for who needs them; of several, those that are closest to each other; else those that were
 * used the longest ago. One that shares goes where others share already and the least is left, so that whole devices stay
 * whole. Between nodes, the one that is left with the fewest free devices is taken, to keep large holes whole.
 */
export function place(
  needs: Needs,
  free: readonly SchedulableDevice[],
  preferences: Preferences = NO_PREFERENCES,
): SchedulableDevice[] | null {
  if (needs.share && !needs.candidates) {
    const room = (device: SchedulableDevice): number => preferences.sharedRoom(device) ?? Infinity;
    const [tightest] = [...free].sort(
      (one, other) => compare(room(one), room(other)) || bySizeAndUse(preferences)(one, other),
    );
    return tightest ? [tightest] : null;
  }
  let best: SchedulableDevice[] | null = null;
  for (const node of byNode(free)) {
    if (node.length >= needs.gpus && (!best || node.length < best.length)) best = node;
  }
  if (!best) return null;
  return needs.candidates ? best.slice(0, needs.gpus) : closest(best, needs.gpus, preferences);
}

/** The group of this many devices with the least memory, and among such groups the one whose devices are closest. */
function closest(
  devices: readonly SchedulableDevice[],
  count: number,
  preferences: Preferences,
): SchedulableDevice[] {
  // Of groups that are as good, the first is kept: so the order here decides by use.
  const inOrder = [...devices].sort(bySizeAndUse(preferences));
  if (count === 1) return inOrder.slice(0, 1);
  let best: { group: SchedulableDevice[]; memory: number; distance: number } | null = null;
  for (const seed of inOrder) {
    const group = grow(seed, inOrder, count);
    const memory = group.reduce((sum, device) => sum + sizeOf(device), 0);
    const distance = total(group);
    if (!best || memory < best.memory || (memory === best.memory && distance < best.distance))
      best = { group, memory, distance };
  }
  // In the order in which they are counted: a job's cuda:0 is the first of them.
  const { group } = best as { group: SchedulableDevice[] };
  return devices.filter((device) => group.includes(device));
}

const bySizeAndUse =
  ({ lastUsed }: Preferences) =>
  (one: SchedulableDevice, other: SchedulableDevice): number =>
    sizeOf(one) - sizeOf(other) || lastUsed(one) - lastUsed(other);

/** Also for what is infinite. */
const compare = (one: number, other: number): number => (one === other ? 0 : one < other ? -1 : 1);

/** Adds to a device, one after another, what is smallest and then closest to those that are there. */
function grow(
  seed: SchedulableDevice,
  devices: readonly SchedulableDevice[],
  count: number,
): SchedulableDevice[] {
  const group = [seed];
  const left = devices.filter((device) => device !== seed);
  while (group.length < count) {
    let next = 0;
    for (let i = 1; i < left.length; i += 1) {
      const [one, other] = [left[i] as SchedulableDevice, left[next] as SchedulableDevice];
      const difference = sizeOf(one) - sizeOf(other) || toAll(one, group) - toAll(other, group);
      if (difference < 0) next = i;
    }
    group.push(...left.splice(next, 1));
  }
  return group;
}

const sizeOf = ({ memoryBytes }: SchedulableDevice): number => memoryBytes ?? Number.MAX_SAFE_INTEGER;

const toAll = (device: SchedulableDevice, group: readonly SchedulableDevice[]): number =>
  group.reduce((sum, other) => sum + (device.distances[other.uuid] ?? UNKNOWN_DISTANCE), 0);

/** How far the devices of a group are from each other, all pairs together. */
export const total = (group: readonly SchedulableDevice[]): number =>
  group.reduce(
    (sum, device) =>
      sum +
      toAll(
        device,
        group.filter((other) => other !== device),
      ),
    0,
  ) / 2;
