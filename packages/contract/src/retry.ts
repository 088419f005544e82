import { z } from 'zod';
import { durationInput } from './units.js';

/** Causes that an attempt may be tried again after. A preempted one is, always and at no cost. */
export const RETRIED_CAUSES = [
  'exit_code',
  'signal',
  'out_of_memory',
  'host_out_of_memory',
  'time_limit',
  'device_lost',
  'worker_lost',
  'hang',
] as const;

export const RetrySchema = z
  .strictObject({
    limit: z.int().min(0).max(100).meta({ description: 'How many more attempts there may be.' }),
    on: z
      .array(z.enum(RETRIED_CAUSES))
      .min(1, 'name at least one cause, or leave it out for all but time_limit')
      .default([
        'exit_code',
        'signal',
        'out_of_memory',
        'host_out_of_memory',
        'device_lost',
        'worker_lost',
        'hang',
      ])
      .meta({ description: 'After which causes.' }),
    exitCodes: z
      .array(z.int().min(1).max(255))
      .min(1)
      .optional()
      .meta({ description: 'After which exit codes; left out: after any.' }),
    backoff: durationInput({ max: 86_400 }).default(10).meta({
      description:
        'The wait before the first retry; it doubles with each, and varies by half so that not all come at once.',
    }),
    maxBackoff: durationInput({ max: 604_800 })
      .default(600)
      .meta({ description: 'The longest of these waits.' }),
  })
  .meta({ id: 'Retry', description: 'When to try again, on another device where there is one.' });
export type Retry = z.infer<typeof RetrySchema>;
