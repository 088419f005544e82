import { z } from 'zod';
import { JobSchema } from './job.js';

export const QueuedJobSchema = JobSchema.extend({
  start: z
    .object({
      at: z.iso.datetime(),
      certain: z.boolean().meta({
        description: 'Whether it starts then at the latest; otherwise it is an estimate of this moment.',
      }),
    })
    .nullable()
    .meta({ description: 'When it is planned to start; null: no plan has it, and `reason` says why.' }),
}).meta({ id: 'QueuedJob', description: 'A job in line, and when it is planned to start.' });
export type QueuedJob = z.infer<typeof QueuedJobSchema>;

export const QueueSchema = z
  .object({
    items: z.array(QueuedJobSchema).meta({ description: 'Whose turn is next comes first.' }),
    inLine: z.int().nonnegative().meta({ description: 'How many are in line, also those not shown.' }),
    waiting: z.int().nonnegative().meta({
      description: 'How many wait in all: also those that are held, or wait for a time or another job.',
    }),
    running: z.int().nonnegative().meta({ description: 'How many have devices.' }),
  })
  .meta({ id: 'Queue', description: 'The jobs in line, in their order.' });
export type Queue = z.infer<typeof QueueSchema>;
