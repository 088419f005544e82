import type { PendingReason } from '@berth/contract';
import { suffices } from './feasible.js';
import type { Needs, PendingJob, SchedulableDevice, SchedulerState } from './state.js';

const HOLDERS_NAMED = 3;

/** Says why a job of these needs doesn't start, with the figures that the refusal was made from. */
export function explainWait(
  state: SchedulerState,
  needs: Needs,
  seen: {
    /** Devices that it may use at all. */
    eligible: readonly SchedulableDevice[];
    /** Those of them that nobody holds or is just getting. */
    free: readonly SchedulableDevice[];
    /** Devices kept for a job that is ahead. */
    barredBy: ReadonlyMap<string, PendingJob>;
  },
): PendingReason {
  const { eligible, free, barredBy } = seen;
  const wanted = needs.candidates ? 'the devices that its mask names' : 'all devices';
  if (!suffices(eligible, needs.gpus)) {
    const sentence = `needs ${devices(needs.gpus)} on one node; of ${wanted}, ${eligible.length} ${are(eligible.length)} there`;
    return { code: 'no_matching_device', sentence };
  }
  const ahead = free.map(({ uuid }) => barredBy.get(uuid)).find((job) => job !== undefined);
  if (ahead && suffices(free, needs.gpus)) {
    const sentence =
      `needs ${devices(needs.gpus)}; ${free.length} ${are(free.length)} free, ` +
      `but job ${ahead.number} is ahead of it (priority ${ahead.needs.priority}) and waits for ${ahead.needs.gpus}`;
    return { code: 'priority', sentence };
  }
  const held = eligible.flatMap(({ uuid, index }) => {
    const holder = state.holders.get(uuid);
    return holder ? [`device ${index} is held by job ${holder.number}`] : [];
  });
  const named = held.slice(0, HOLDERS_NAMED).join(', ');
  const more = held.length > HOLDERS_NAMED ? `, and ${held.length - HOLDERS_NAMED} more are held` : '';
  const sentence =
    `needs ${devices(needs.gpus)}; ${free.length} of the ${eligible.length} that it may use ` +
    `${are(free.length)} free${named ? `: ${named}${more}` : ''}`;
  return { code: 'resources', sentence };
}

const devices = (count: number): string => `${count} free device${count === 1 ? '' : 's'}`;
const are = (count: number): string => (count === 1 ? 'is' : 'are');
