import type { Fault } from './fault.js';

/** What a job passes through on its way, in this order (ARCHITECTURE.md has the steps), and what else happens under the load. */
const STEPS = [
  'berth_submit',
  'berth_hold',
  'berth_change',
  'berth_assign',
  'addStandardJob',
  'moveToActive',
  'berth_claim',
  'spawn',
  'berth_start',
  'moveToFinished',
  'berth_stop',
  'berth_signalled',
  'berth_finish',
  'berth_lead',
  'berth_register_devices',
  'berth_note_reasons',
  'berth_notice',
  'berth_obstruct',
  'berth_note_restart',
];

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
