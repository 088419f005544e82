import { z } from 'zod';
import { BytesInputSchema } from './units.js';

/** What the owners of devices call them, beside what the driver says. */
export const DeviceLabelsSchema = z
  .record(z.string().min(1).max(63), z.string().max(255))
  .refine((labels) => Object.keys(labels).length <= 64, 'at most 64 labels');

/** What a job's devices have to be like. */
export const ConstraintsInputSchema = z
  .strictObject({
    model: z
      .string()
      .min(1)
      .max(100)
      .optional()
      .meta({
        description: 'A part of the name of the device, in whatever case.',
        examples: ['H100', 'A100-SXM4-80GB'],
      }),
    minMemory: BytesInputSchema.optional().meta({
      description: 'What the device has in all.',
      examples: ['40GiB'],
    }),
    minComputeCapability: z
      .string()
      .regex(/^\d{1,2}(\.\d)?$/, 'must be a compute capability such as 8.0')
      .optional()
      .meta({ examples: ['8.0'] }),
    node: z.string().min(1).max(253).optional(),
    labels: DeviceLabelsSchema.optional().meta({
      description: 'Labels that the device has to have; the daemon’s `deviceLabels` gives them.',
      examples: [{ pool: 'debug' }],
    }),
  })
  .meta({ id: 'ConstraintsInput', description: "What a job's devices have to be like." });

export const ConstraintsSchema = z
  .object({
    model: z.string().nullable(),
    minMemoryBytes: z.int().nonnegative().nullable(),
    minComputeCapability: z.string().nullable(),
    node: z.string().nullable(),
    labels: z.record(z.string(), z.string()),
  })
  .meta({ id: 'Constraints' });
export type Constraints = z.infer<typeof ConstraintsSchema>;
