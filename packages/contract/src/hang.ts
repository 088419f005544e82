import { z } from 'zod';
import { durationInput } from './units.js';

export const HangActionSchema = z.enum(['ignore', 'warn', 'kill']).meta({
  description:
    '`ignore`: nobody looks; `warn`: its owner is told, with the stacks of its processes; `kill`: it is ended as well, with the cause `hang`.',
});

const AfterSchema = durationInput({ min: 1, max: 31_536_000 });

export const HangInputSchema = z
  .strictObject({
    after: AfterSchema.optional().meta({
      description: 'How long it may stand still. Seconds, or text such as "10m".',
      examples: ['10m', 600],
    }),
    action: HangActionSchema.optional(),
  })
  .meta({
    id: 'HangInput',
    description:
      'What becomes of the job when it seems to hang: no output, metrics or checkpoint, while its devices are all the time at 0 % ' +
      "or at 100 %. Default: the daemon's setting `hang`.",
  });

/** The setting: each part has a default. */
export const HangSettingSchema = z.strictObject({
  after: AfterSchema.prefault('30m').meta({ description: 'How long a job may stand still.' }),
  action: HangActionSchema.default('warn'),
});

export const HangPolicySchema = z
  .object({ after: z.number().meta({ description: 'Seconds.' }), action: HangActionSchema })
  .meta({ id: 'HangPolicy', description: 'After how long a job is said to hang, and what becomes of it.' });
export type HangPolicy = z.infer<typeof HangPolicySchema>;
