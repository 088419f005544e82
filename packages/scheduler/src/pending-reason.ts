import type { PendingReason } from '@berth/contract';
import { type Pool, suffices } from './feasible.js';
import type { Reservation } from './reservation.js';
import type {
  Allocation,
  Constraints,
  Needs,
  PendingJob,
  SchedulableDevice,
  SchedulerState,
} from './state.js';

const HOLDERS_NAMED = 3;
/** Obstacles that go away without anybody's help: then it is a matter of waiting. */
const PASSING: readonly NonNullable<SchedulableDevice['obstacle']>['code'][] = [
  'foreign_use',
  'unresponsive',
];

/** Says why a job of these needs doesn't start, with the figures that the refusal was made from. */
export function explainWait(
  state: SchedulerState,
  needs: Needs,
  seen: {
    /** Devices that it may use. */
    pool: Pool;
    /** Those of them that nothing keeps jobs away from, and that have room for it. */
    free: readonly SchedulableDevice[];
    /** Who some of the free ones are kept for. */
    ahead: PendingJob | null;
    /** When the first such job starts at the latest; null: it can't be planned. */
    own: Reservation | null;
    /** The numbers of the jobs that give way to the first such job. */
    givingWay: readonly number[];
  },
): PendingReason {
  const { free, ahead, own, givingWay } = seen;
  const { eligible, usable, mostEligible, mostUsable } = seen.pool;
  const areOpen = (count: number): string =>
    needs.share ? `${count === 1 ? 'has' : 'have'} room` : `${are(count)} free`;
  const latest =
    givingWay.length > 0
      ? `; ${jobs(givingWay)} ${givingWay.length === 1 ? 'gives' : 'give'} way to the first in line`
      : own?.certain
        ? `; the first in line for them starts by ${timeOf(own.from)} at the latest`
        : '';
  if (mostEligible < needs.gpus) {
    const sentence = `needs ${wish(needs)} on one node; of ${wanted(needs)}, ${eligible.length} ${are(eligible.length)} there`;
    return { code: 'no_matching_device', sentence };
  }
  const obstacles = eligible.flatMap(({ index, instance, obstacle }) =>
    obstacle ? [{ ...obstacle, device: instance === null ? `${index}` : `${index}:${instance}` }] : [],
  );
  const keptAway = obstacles
    .slice(0, HOLDERS_NAMED)
    .map(({ device, sentence }) => `device ${device}: ${sentence}`)
    .join('; ');
  if (mostUsable < needs.gpus) {
    const code = obstacles.every(({ code }) => PASSING.includes(code)) ? 'resources' : 'draining';
    const sentence =
      `needs ${wish(needs)}; of the ${eligible.length} that it may use, ` +
      `${obstacles.length} ${are(obstacles.length)} kept from jobs: ${keptAway}`;
    return { code, sentence };
  }
  if (ahead && suffices(free, needs.gpus)) {
    const sentence =
      `needs ${wish(needs)}; ${free.length} ${areOpen(free.length)}, ` +
      `but job ${ahead.number} is ahead of it (priority ${ahead.needs.priority}) and waits for ${wish(ahead.needs)}${latest}`;
    return { code: 'priority', sentence };
  }
  const held = usable.filter(({ uuid }) => state.holders.has(uuid));
  const named = held
    .slice(0, HOLDERS_NAMED)
    .map(({ uuid, index }) => `device ${index} is ${heldBy(state.holders.get(uuid) ?? [])}`)
    .join(', ');
  const more = held.length > HOLDERS_NAMED ? `, and ${held.length - HOLDERS_NAMED} more are held` : '';
  const away =
    obstacles.length > 0 ? `; ${obstacles.length} ${are(obstacles.length)} kept from jobs: ${keptAway}` : '';
  const sentence =
    `needs ${wish(needs)}; ${free.length} of the ${eligible.length} that it may use ` +
    `${areOpen(free.length)}${named ? `: ${named}${more}` : ''}${away}${latest}`;
  return { code: 'resources', sentence };
}

/** How many devices a job needs, or how much of one. */
export function wish({ gpus, share }: Needs): string {
  if (!share) return devices(gpus);
  return 'slots' in share ? `1/${share.slots} of a device` : `${gibibytes(share.memoryBytes)} of a device`;
}

/** By whom a device is held. */
export function heldBy(holders: readonly Allocation[]): string {
  const numbers = holders.map(({ number }) => number);
  return `${holders[0]?.needs.share ? 'shared' : 'held'} by ${jobs(numbers)}`;
}

/** Such as `job 1` or `jobs 1, 2, 3 and 4 more`. */
export function jobs(numbers: readonly number[]): string {
  const shown = numbers.slice(0, HOLDERS_NAMED).join(', ');
  const more = numbers.length > HOLDERS_NAMED ? ` and ${numbers.length - HOLDERS_NAMED} more` : '';
  return `job${numbers.length === 1 ? '' : 's'} ${shown}${more}`;
}

function wanted({ candidates, constraints, share }: Needs): string {
  if (candidates) return 'the devices that its mask names';
  if (constraints) return `the devices that are ${describe(constraints)}`;
  return share ? 'the devices that are large enough' : 'all devices';
}

/** What a job asks of its devices, for people. */
export function describe({ model, minMemoryBytes, minComputeCapability, node, labels }: Constraints): string {
  const parts = [
    model && `called '${model}'`,
    minMemoryBytes && `of at least ${gibibytes(minMemoryBytes)}`,
    minComputeCapability && `of compute capability ${minComputeCapability} or more`,
    node && `on ${node}`,
    ...Object.entries(labels).map(([name, value]) => `labelled ${name}=${value}`),
  ];
  return parts.filter(Boolean).join(' and ');
}

/** To the minute, in UTC: limits aren't more exact than that. */
export const timeOf = (ms: number): string =>
  `${new Date(Math.ceil(ms / 60_000) * 60_000).toISOString().slice(0, 16)}Z`;

const gibibytes = (bytes: number): string => `${Number((bytes / 2 ** 30).toFixed(1))} GiB`;
const devices = (count: number): string => `${count} free device${count === 1 ? '' : 's'}`;
const are = (count: number): string => (count === 1 ? 'is' : 'are');
