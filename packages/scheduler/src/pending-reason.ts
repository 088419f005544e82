import type { ObstacleCode, PendingReason } from '@berth/contract';
import { type Pool, suffices } from './feasible.js';
import type { Reservation } from './reservation.js';
import type { Constraints, Needs, PendingJob, SchedulableDevice, SchedulerState } from './state.js';

const HOLDERS_NAMED = 3;
/** Obstacles that go away without anybody's help: then it is a matter of waiting. */
const PASSING: readonly ObstacleCode[] = ['foreign_use', 'unresponsive'];

/** Says why a job of these needs doesn't start, with the figures that the refusal was made from. */
export function explainWait(
  state: SchedulerState,
  needs: Needs,
  seen: {
    /** Devices that it may use. */
    pool: Pool;
    /** Those of them that nothing keeps jobs away from, and that nobody holds or is just getting. */
    free: readonly SchedulableDevice[];
    /** Who some of the free ones are kept for. */
    ahead: PendingJob | null;
    /** When the first such job starts at the latest; null: it can't be planned. */
    own: Reservation | null;
  },
): PendingReason {
  const { free, ahead, own } = seen;
  const { eligible, usable, mostEligible, mostUsable } = seen.pool;
  const wanted = needs.candidates
    ? 'the devices that its mask names'
    : needs.constraints
      ? `the devices that are ${describe(needs.constraints)}`
      : 'all devices';
  const latest = own?.certain
    ? `; the first in line for them starts by ${timeOf(own.from)} at the latest`
    : '';
  if (mostEligible < needs.gpus) {
    const sentence = `needs ${devices(needs.gpus)} on one node; of ${wanted}, ${eligible.length} ${are(eligible.length)} there`;
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
      `needs ${devices(needs.gpus)}; of the ${eligible.length} that it may use, ` +
      `${obstacles.length} ${are(obstacles.length)} kept from jobs: ${keptAway}`;
    return { code, sentence };
  }
  if (ahead && suffices(free, needs.gpus)) {
    const sentence =
      `needs ${devices(needs.gpus)}; ${free.length} ${are(free.length)} free, ` +
      `but job ${ahead.number} is ahead of it (priority ${ahead.needs.priority}) and waits for ${ahead.needs.gpus}${latest}`;
    return { code: 'priority', sentence };
  }
  const held = usable.filter(({ uuid }) => state.holders.has(uuid));
  const named = held
    .slice(0, HOLDERS_NAMED)
    .map(({ uuid, index }) => `device ${index} is held by job ${state.holders.get(uuid)?.number}`)
    .join(', ');
  const more = held.length > HOLDERS_NAMED ? `, and ${held.length - HOLDERS_NAMED} more are held` : '';
  const away =
    obstacles.length > 0 ? `; ${obstacles.length} ${are(obstacles.length)} kept from jobs: ${keptAway}` : '';
  const sentence =
    `needs ${devices(needs.gpus)}; ${free.length} of the ${eligible.length} that it may use ` +
    `${are(free.length)} free${named ? `: ${named}${more}` : ''}${away}${latest}`;
  return { code: 'resources', sentence };
}

/** What a job asks of its devices, for people. */
export function describe({ model, minMemoryBytes, minComputeCapability, node }: Constraints): string {
  const parts = [
    model && `called '${model}'`,
    minMemoryBytes && `of at least ${Number((minMemoryBytes / 2 ** 30).toFixed(1))} GiB`,
    minComputeCapability && `of compute capability ${minComputeCapability} or more`,
    node && `on ${node}`,
  ];
  return parts.filter(Boolean).join(' and ');
}

/** To the minute, in UTC: limits aren't more exact than that. */
export const timeOf = (ms: number): string =>
  `${new Date(Math.ceil(ms / 60_000) * 60_000).toISOString().slice(0, 16)}Z`;

const devices = (count: number): string => `${count} free device${count === 1 ? '' : 's'}`;
const are = (count: number): string => (count === 1 ? 'is' : 'are');
