import { z } from 'zod';

export const ShutdownModeSchema = z.enum(['wait', 'cancel', 'leave']).meta({
  id: 'ShutdownMode',
  description:
    'What becomes of jobs that run. `wait`: the daemon ends when they have. `cancel`: they are cancelled, and the daemon ends ' +
    'when they have. `leave`: they go on without it, and the next daemon takes them up again. Jobs that wait, wait for that one.',
});
export type ShutdownMode = z.infer<typeof ShutdownModeSchema>;

export const ShutdownRequestSchema = z
  .strictObject({ jobs: ShutdownModeSchema.default('leave') })
  .meta({ id: 'ShutdownRequest' });
export type ShutdownRequest = z.input<typeof ShutdownRequestSchema>;

/** A daemon that ends; the last request holds. */
export const ShutdownSchema = z
  .object({
    jobs: ShutdownModeSchema,
    running: z.int().nonnegative().meta({ description: 'How many jobs hold devices.' }),
  })
  .meta({ id: 'Shutdown', description: 'How the daemon ends.' });
export type Shutdown = z.infer<typeof ShutdownSchema>;
