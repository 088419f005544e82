import { durationInput } from '@berth/contract';
import { z } from 'zod';
import type { Stretch } from '../devices/histories.js';

const HOUR_MS = 3_600_000;
/** A century: no date lies so far back that it can't be written. */
const LONGEST_AGO_SECONDS = 100 * 366 * 86_400;

const WRITE = 'is no time: write 2026-11-21T02:00:00Z, or how long ago, such as 2d';

/** A moment: a time, or how long ago it was. */
export const MomentSchema = z.union(
  [z.iso.datetime({ offset: true, error: WRITE }), durationInput({ max: LONGEST_AGO_SECONDS })],
  { error: WRITE },
);

/** The part of the past that a request asks for. */
export const StretchSchema = z.strictObject({
  since: MomentSchema.optional().meta({
    description: 'A time (RFC 3339), or how long ago, such as "10m". Default: an hour ago.',
    examples: ['10m', '2026-11-21T02:00:00Z'],
  }),
  until: MomentSchema.optional().meta({ description: 'Likewise. Default: now.' }),
  step: durationInput({ min: 1, max: 86_400 })
    .optional()
    .meta({
      description: 'The length of a step. Default: as fine as is kept for so long.',
      examples: ['10s'],
    }),
});

/** How long the past is kept, for those who ask for it. */
export const PAST =
  'Steps of 1 s are kept for 10 minutes, of 10 s for 3 hours, of 1 min for 48 hours, in the memory of the daemon.';

export function stretchOf({ since, until, step }: z.infer<typeof StretchSchema>): Stretch {
  const now = Date.now();
  const end = until === undefined ? now : momentOf(until, now);
  const begin = since === undefined ? end - HOUR_MS : momentOf(since, now);
  return { since: begin, until: end, stepMs: step === undefined ? null : Math.round(step * 1000) };
}

/** @returns ms since the epoch */
export function momentOf(moment: z.infer<typeof MomentSchema>, now: number): number {
  return typeof moment === 'string' ? Date.parse(moment) : now - moment * 1000;
}
