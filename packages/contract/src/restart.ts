import { z } from 'zod';

/** A process of Berth that had died, and was started again. */
export const RestartSchema = z
  .object({
    at: z.iso.datetime().meta({ description: 'When it was found dead.' }),
    exitCode: z.int().nullable().meta({ description: 'null: it did not end by itself, or nobody knows.' }),
    signal: z.string().nullable().meta({
      description: 'null: no signal ended it, or nobody knows, as another daemon had started it.',
      example: 'SIGKILL',
    }),
    sentence: z.string().meta({ description: 'How it ended, what Berth did, what to look at.' }),
  })
  .meta({ id: 'Restart', description: 'A process of Berth that had died, and was started again.' });
export type Restart = z.infer<typeof RestartSchema>;
