import { z } from 'zod';
import { JobIdSchema } from './identifiers.js';
import { durationInput } from './units.js';

/** Signals that a program can catch and that nothing else means something by. */
export const CheckpointSignalSchema = z
  .enum(['SIGUSR1', 'SIGUSR2', 'SIGINT', 'SIGHUP', 'SIGTERM'])
  .meta({ id: 'CheckpointSignal', description: 'Tells every process of a task to save its work.' });
export type CheckpointSignal = z.infer<typeof CheckpointSignalSchema>;

/** What is sent where nobody has named another. */
export const DEFAULT_CHECKPOINT_SIGNAL = 'SIGUSR1' satisfies CheckpointSignal;

export const TimeLimitWarningInputSchema = z.strictObject({
  before: durationInput({ positive: true }).meta({
    description: 'How long before the time limit. Seconds, or text such as "5m".',
    examples: ['5m', 300],
  }),
  signal: CheckpointSignalSchema.optional().meta({
    description: 'Default: the checkpointSignal, or else SIGUSR1.',
  }),
});

export const TimeLimitWarningSchema = z
  .object({ before: z.number().meta({ description: 'Seconds.' }), signal: CheckpointSignalSchema })
  .meta({ id: 'TimeLimitWarning', description: 'A signal that comes some time before the time limit.' });
export type TimeLimitWarning = z.infer<typeof TimeLimitWarningSchema>;

const TimeSchema = z.iso.datetime();

/** How an attempt that was asked to save its work took it. */
export const CheckpointSchema = z
  .object({
    signal: CheckpointSignalSchema,
    sentAt: TimeSchema,
    writtenAt: TimeSchema.nullable().meta({
      description:
        'When checkpointPath or BERTH_CHECKPOINT_FILE last changed after it; null: no change was seen.',
    }),
    path: z.string().nullable().meta({ description: 'The file that changed.' }),
    endedBy: z
      .enum(['itself', 'SIGTERM', 'SIGKILL'])
      .nullable()
      .meta({
        description:
          'How far it had to be gone with the slowest of its ranks: it ended after the signal alone, after SIGTERM (half the ' +
          'grace period later), or by SIGKILL; null: it has not ended, or nobody knows.',
      }),
  })
  .meta({ id: 'Checkpoint', description: 'How an attempt that was asked to save its work took it.' });
export type Checkpoint = z.infer<typeof CheckpointSchema>;

/** What one rank made of a drill's signal. */
export const DrillRankSchema = z
  .object({
    rank: z.int().nonnegative(),
    sentAt: TimeSchema.nullable().meta({ description: 'null: it got no signal, or it is not known yet.' }),
    processes: z.int().nonnegative().nullable().meta({ description: 'How many processes got it.' }),
    handlers: z
      .int()
      .nonnegative()
      .nullable()
      .meta({ description: 'How many of them had a handler for it.' }),
    checkpoint: z
      .object({ writtenAt: TimeSchema, afterSeconds: z.number().nonnegative(), path: z.string() })
      .nullable()
      .meta({ description: 'The change that was seen; null: none.' }),
    ended: z
      .object({
        exitCode: z.int().nullable(),
        signal: z.string().nullable(),
        afterSeconds: z.number().nonnegative(),
      })
      .nullable()
      .meta({ description: 'How its command ended; null: it goes on.' }),
    sentence: z.string().meta({ description: 'What it means for a preemption.' }),
  })
  .meta({ id: 'DrillRank', description: "What one rank made of a drill's signal." });
export type DrillRank = z.infer<typeof DrillRankSchema>;

/** What a drill found out. */
export const DrillSchema = z
  .object({
    job: JobIdSchema,
    number: z.int().positive(),
    attempt: z.int().positive(),
    signal: CheckpointSignalSchema,
    at: TimeSchema,
    finished: z.boolean().meta({
      description: 'false: ranks are still being waited for; drilling again joins this drill.',
    }),
    sentence: z.string(),
    ranks: z.array(DrillRankSchema),
  })
  .meta({
    id: 'Drill',
    description: 'What a job made of its checkpoint signal, without its end being meant.',
  });
export type Drill = z.infer<typeof DrillSchema>;
