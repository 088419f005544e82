import { z } from 'zod';

/** The answer of the two probes. They carry no data, for they ask for no token. */
export const HealthSchema = z
  .object({
    status: z.enum(['ok', 'draining', 'unavailable']).meta({
      description: '`draining`: the daemon ends; jobs are taken, but none starts.',
    }),
    detail: z.string().optional(),
  })
  .meta({ id: 'Health' });
export type Health = z.infer<typeof HealthSchema>;
