import { z } from 'zod';
import { TOLD_OF_JOB } from './device.js';
import { JobIdSchema } from './identifiers.js';
import { CauseSchema } from './reason-and-cause.js';

const WhoSchema = z.object({
  job: JobIdSchema,
  ...TOLD_OF_JOB,
  user: z.string(),
  devices: z.array(z.string()).meta({ description: 'UUIDs.' }),
  from: z.iso.datetime(),
});

export const StaySchema = WhoSchema.extend({
  attempt: z.int().positive(),
  until: z.iso.datetime().nullable().meta({ description: 'null: it still has them.' }),
  latestEnd: z.iso.datetime().nullable().meta({
    description: 'Of one that still has them: when its time limit ends it. null: it has none, or is over.',
  }),
  cause: CauseSchema.shape.code
    .nullable()
    .meta({ description: 'Why it ended so; null: by itself, or not yet.' }),
}).meta({
  id: 'Stay',
  description: 'An attempt of a job on its devices, from placement until no process of it was left.',
});
export type Stay = z.infer<typeof StaySchema>;

export const PlannedStaySchema = WhoSchema.extend({
  from: z.iso
    .datetime()
    .meta({ description: 'At the latest, where that is `certain`; otherwise an estimate.' }),
  until: z.iso.datetime().meta({ description: 'By its time limit; without one, by `plannedDuration`.' }),
  certain: z.boolean().meta({ description: 'Whether all that it waits for have time limits.' }),
}).meta({
  id: 'PlannedStay',
  description: 'Where and when a waiting job is planned to run, as of this moment.',
});
export type PlannedStay = z.infer<typeof PlannedStaySchema>;

export const TimelineSchema = z
  .object({
    since: z.iso.datetime().meta({
      description:
        'From when on nothing is missing: as was asked for, or later where that were more than `limit` stays. Where it is `until`, ' +
        'too many have ended since then to look through: who had devices all the time may be missing.',
    }),
    until: z.iso.datetime().meta({ description: 'As was asked for; now at the latest.' }),
    stays: z
      .array(StaySchema)
      .meta({ description: 'Those that go on, then the others, the last to end first.' }),
    planned: z.array(PlannedStaySchema).meta({ description: 'The first 100 in line, by when they start.' }),
    waiting: z.int().nonnegative().meta({ description: 'How many are in line.' }),
  })
  .meta({
    id: 'Timeline',
    description: 'Which jobs had which devices, have them, and are planned to get them.',
  });
export type Timeline = z.infer<typeof TimelineSchema>;
