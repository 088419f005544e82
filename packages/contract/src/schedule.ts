import { z } from 'zod';
import { JobIdSchema } from './identifiers.js';
import { JobSubmissionSchema } from './submission.js';

export const ScheduleIdSchema = z
  .string()
  .regex(/^sch_[0-9a-hjkmnp-tv-z]{21}$/, 'a schedule id looks like sch_ and 21 letters and digits')
  .meta({ id: 'ScheduleId', description: 'Identifies a schedule for ever.' });
export type ScheduleId = z.infer<typeof ScheduleIdSchema>;

const OverlapSchema = z.enum(['skip', 'allow']).meta({
  description:
    'At a time when an earlier job of the schedule has not ended: `skip` starts none, `allow` starts another.',
});
const CronSchema = z
  .string()
  .max(256)
  .meta({
    description:
      'Minute, hour, day of month, month, day of week; with six fields a second comes first. The hour that a change of the clocks ' +
      'leaves out is made up for one hour later; the one that it repeats counts once for a fixed hour.',
    examples: ['0 2 * * *', '*/15 8-18 * * mon-fri'],
  });

/** What a user asks to be submitted again and again. */
export const ScheduleSubmissionSchema = z
  .strictObject({
    name: z.string().min(1).max(200).optional().meta({ description: "Default: the job's name." }),
    cron: CronSchema,
    timeZone: z
      .string()
      .max(64)
      .optional()
      .meta({ description: "An IANA name. Default: the daemon's.", examples: ['Europe/Berlin'] }),
    job: JobSubmissionSchema,
    overlap: OverlapSchema.default('skip'),
    catchUp: z.boolean().default(false).meta({
      description:
        'Whether the latest of the times that nobody was there for is made up for, however late. A minute late is never too late.',
    }),
    enabled: z.boolean().default(true).meta({ description: 'false: paused from the beginning.' }),
  })
  .meta({ id: 'ScheduleSubmission', description: 'A job, and when to submit it again and again.' });
export type ScheduleSubmission = z.infer<typeof ScheduleSubmissionSchema>;
export type ScheduleSubmissionInput = z.input<typeof ScheduleSubmissionSchema>;

const TimeSchema = z.iso.datetime();

/** Why no job came of a time. */
export const SkipSchema = z
  .object({
    code: z.enum(['overlap', 'missed', 'refused']).meta({
      description:
        '`overlap`: an earlier job had not ended. `missed`: nobody was there. `refused`: the job can no longer be submitted.',
    }),
    sentence: z.string(),
  })
  .meta({ id: 'Skip', description: 'Why no job came of a time.' });
export type Skip = z.infer<typeof SkipSchema>;

export const ScheduleRunSchema = z
  .object({
    at: TimeSchema.meta({
      description: 'The time by the schedule; of a run by hand, when it was asked for.',
    }),
    job: JobIdSchema.nullable(),
    number: z.int().positive().nullable(),
    skipped: SkipSchema.nullable(),
  })
  .meta({ id: 'ScheduleRun', description: 'What became of a time: a job, or why none.' });
export type ScheduleRun = z.infer<typeof ScheduleRunSchema>;

export const ScheduleSchema = z
  .object({
    id: ScheduleIdSchema,
    name: z.string(),
    user: z.string().meta({ description: 'Whose jobs it makes.' }),
    cron: z.string(),
    timeZone: z.string(),
    job: z.record(z.string(), z.unknown()).meta({
      description: 'What is submitted each time, as JobSubmission; sizes in bytes and durations in seconds.',
    }),
    overlap: OverlapSchema,
    catchUp: z.boolean(),
    enabled: z.boolean(),
    createdAt: TimeSchema,
    nextRun: TimeSchema.nullable().meta({ description: 'null while it is paused.' }),
    lastRun: ScheduleRunSchema.nullable(),
    runs: z.int().nonnegative().meta({ description: 'How many jobs came of it.' }),
  })
  .meta({ id: 'Schedule', description: 'A job that is submitted again and again.' });
export type Schedule = z.infer<typeof ScheduleSchema>;

export const ScheduleListSchema = z.object({ items: z.array(ScheduleSchema) }).meta({ id: 'ScheduleList' });
export type ScheduleList = z.infer<typeof ScheduleListSchema>;
