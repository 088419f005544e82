import { z } from 'zod';
import { BytesInputSchema } from './units.js';

export const LimitsInputSchema = z
  .strictObject({
    memory: BytesInputSchema.pipe(
      z
        .number()
        .int()
        .min(2 ** 20)
        .max(2 ** 53 - 1),
    )
      .optional()
      .meta({
        description:
          "Of the host's memory, page cache included. What needs more is ended by the kernel, with the cause `host_out_of_memory`.",
        examples: ['64GiB'],
      }),
    cpus: z
      .number()
      .min(0.01)
      .max(4096)
      .optional()
      .meta({ description: 'Cores, in parts too.', examples: [8] }),
    processes: z
      .int()
      .min(1)
      .max(4_194_304)
      .optional()
      .meta({ description: 'Processes and threads at a time; a fork beyond fails.' }),
  })
  .meta({
    id: 'LimitsInput',
    description:
      'The most that all processes of the job may take together, by control groups (cgroup v2); see docs/containment.md.',
  });

export type LimitsSetting = z.infer<typeof LimitsInputSchema>;

export const LimitsSchema = z
  .object({
    memoryBytes: z.int().nullable(),
    cpus: z.number().nullable(),
    processes: z.int().nullable(),
  })
  .meta({ id: 'Limits', description: 'The most that a job may take of the host; null: no limit.' });
export type Limits = z.infer<typeof LimitsSchema>;
