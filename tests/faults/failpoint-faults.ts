import { readdirSync } from 'node:fs';
import { basename } from 'node:path';
import type { Fault } from './fault.js';

/** All transitions of the ledger. */
export const TRANSITIONS = readdirSync(new URL('../../apps/daemon/lua/', import.meta.url))
  .map((file) => basename(file, '.lua'))
  .filter((script) => script !== 'common');

/** What BullMQ does of its own, for the hand-over of tasks and for the ticks of schedules. */
const QUEUE_STEPS = [
  'addStandardJob',
  'moveToActive',
  'moveToFinished',
  'moveStalledJobsToWait',
  'addJobScheduler',
  'updateJobScheduler',
  'removeJobScheduler',
];

/** What comes by a failpoint, before and after it. */
export const STEPS = [...TRANSITIONS.map((script) => `berth_${script}`), ...QUEUE_STEPS, 'spawn'];
const POINTS = STEPS.flatMap((step) => [`${step}.before`, `${step}.after`]);

const SHIM_POINTS = ['shim.clone', 'shim.rename', 'shim.exit_group'];

export const FAILPOINT_FAULTS: readonly Fault[] = [
  ...[...POINTS, ...SHIM_POINTS].map(
    (point): Fault => ({
      name: `kill at ${point}`,
      inject: async ({ host }) => {
        host.arm(point, 'kill');
        return { wasReached: () => host.wasTaken(point) };
      },
    }),
  ),
  ...POINTS.map(
    (point): Fault => ({
      name: `wait at ${point}`,
      inject: async ({ host, random }) => {
        host.arm(point, random.whole(50, 700));
        return { wasReached: () => host.wasTaken(point) };
      },
    }),
  ),
];
