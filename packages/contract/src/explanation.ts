import { z } from 'zod';
import { JobIdSchema } from './identifiers.js';
import { PendingReasonSchema } from './reason-and-cause.js';

export const ExplanationSchema = z
  .object({
    job: JobIdSchema.nullable().meta({ description: 'null: a job that was not submitted.' }),
    number: z.int().positive().nullable(),
    startsNow: z.boolean(),
    ahead: z
      .int()
      .nonnegative()
      .nullable()
      .meta({ description: 'How many jobs are before it; null: it does not wait in line.' }),
    reason: PendingReasonSchema.nullable().meta({
      description: 'Why it waits for reasons of its own (held, a dependency, a time).',
    }),
    latestStart: z.iso
      .datetime()
      .nullable()
      .meta({
        description:
          'It starts then at the latest, as time limits have it: promised to the first in line (`ahead` is 0) as long as nobody gets before ' +
          'it; for others it is the plan of this moment, and those ahead may get other devices than are planned.',
      }),
    unknownBecause: z.string().nullable().meta({ description: 'Why nothing is promised.' }),
    devices: z.array(
      z
        .object({
          uuid: z.string(),
          index: z.int().nonnegative(),
          node: z.string(),
          verdict: z.enum(['free', 'ruledOut', 'obstructed', 'held', 'reserved']),
          why: z.string(),
        })
        .meta({ id: 'DeviceVerdict', description: 'What stands between the job and one device.' }),
    ),
    sooner: z.array(z.string()).meta({ description: 'What would make it start sooner.' }),
  })
  .meta({ id: 'Explanation', description: 'What a job waits for, and how long that may take.' });
export type Explanation = z.infer<typeof ExplanationSchema>;
