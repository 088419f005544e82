import { z } from 'zod';
import { JobIdSchema, JobReferenceSchema } from './identifiers.js';

export const DependencyConditionSchema = z
  .enum(['succeeded', 'failed', 'ended'])
  .meta({ description: 'What the other job has to do first; `ended` is in whatever way.' });
export type DependencyCondition = z.infer<typeof DependencyConditionSchema>;

const ReferenceInputSchema = z.union([z.int().positive().transform(String), JobReferenceSchema]);

/** A job that has to end first. Its id or number alone means that it has to succeed. */
export const DependencyInputSchema = z.union([
  ReferenceInputSchema.transform((job) => ({ job, on: 'succeeded' as const })),
  z.strictObject({ job: ReferenceInputSchema, on: DependencyConditionSchema.default('succeeded') }),
]);

export const DependencySchema = z
  .object({
    job: JobIdSchema,
    number: z.int().positive(),
    on: DependencyConditionSchema,
    open: z.boolean().meta({ description: 'Whether it is still waited for.' }),
  })
  .meta({ id: 'Dependency', description: 'A job that has to end first.' });
export type Dependency = z.infer<typeof DependencySchema>;
