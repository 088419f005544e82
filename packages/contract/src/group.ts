import { z } from 'zod';
import { JobIdSchema } from './identifiers.js';
import { JobStateSchema } from './job-state.js';
import { JobSubmissionSchema } from './submission.js';

/** The most jobs that one call may submit. */
export const MOST_JOBS_AT_ONCE = 10_000;

export const GroupIdSchema = z
  .string()
  .regex(/^grp_[0-9a-hjkmnp-tv-z]{21}$/, 'a group id looks like grp_ and 21 letters and digits')
  .meta({ id: 'GroupId', description: 'Identifies jobs that were submitted together.' });
export type GroupId = z.infer<typeof GroupIdSchema>;

const ParameterSchema = z.union([z.string().max(10_000), z.number(), z.boolean()]);

const MatrixSchema = z
  .record(
    z.string().regex(/^[A-Za-z_][A-Za-z0-9_]{0,62}$/, 'a parameter has a name such as lr or batch_size'),
    z.array(ParameterSchema).min(1, 'name at least one value').max(MOST_JOBS_AT_ONCE),
  )
  .refine((matrix) => Object.keys(matrix).length >= 1, 'name at least one parameter')
  .refine((matrix) => jobsOf(matrix) <= MOST_JOBS_AT_ONCE, {
    error: `these are more than ${MOST_JOBS_AT_ONCE} combinations; submit them in several calls`,
  })
  .meta({
    description:
      'Every combination of these values is a job. `{lr}` in command, script, name and environment is replaced, and each job ' +
      'has BERTH_PARAM_lr.',
    examples: [{ lr: [0.1, 0.01], seed: [1, 2, 3] }],
  });

function jobsOf(matrix: Record<string, readonly unknown[]>): number {
  return Object.values(matrix).reduce((product, values) => product * values.length, 1);
}

/** Many jobs in one call: a list, or a template and what varies. */
export const BatchSubmissionSchema = z
  .strictObject({
    jobs: z.array(JobSubmissionSchema).min(1).max(MOST_JOBS_AT_ONCE).optional(),
    template: JobSubmissionSchema.optional(),
    matrix: MatrixSchema.optional(),
    name: z.string().min(1).max(200).optional().meta({ description: "The group's." }),
    maxParallel: z
      .int()
      .min(1, 'a group of which nothing may run never ends')
      .max(MOST_JOBS_AT_ONCE)
      .optional()
      .meta({
        description: 'How many of its jobs may run at a time. Default: as many as there is room for.',
      }),
  })
  .superRefine(({ jobs, template, matrix }, context) => {
    if (jobs && (template || matrix)) {
      const message = 'give a list of jobs, or a template and a matrix, not both';
      context.addIssue({ code: 'custom', path: ['jobs'], message });
    } else if (!jobs && !(template && matrix)) {
      const message = 'nothing to submit: give jobs, or a template and a matrix';
      context.addIssue({ code: 'custom', path: [template ? 'matrix' : 'template'], message });
    }
  })
  .meta({
    id: 'BatchSubmission',
    description: 'Many jobs in one call: a list (`jobs`), or a `template` and what varies (`matrix`).',
    oneOf: [{ required: ['jobs'] }, { required: ['template', 'matrix'] }],
  });
export type BatchSubmission = z.infer<typeof BatchSubmissionSchema>;
export type BatchSubmissionInput = z.input<typeof BatchSubmissionSchema>;

export const GroupSchema = z
  .object({
    id: GroupIdSchema,
    name: z.string(),
    user: z.string(),
    size: z.int().positive(),
    maxParallel: z.int().positive().nullable(),
    submittedAt: z.iso.datetime(),
    states: z
      .record(JobStateSchema, z.int().nonnegative())
      .meta({ description: 'How many of its jobs are in each state.' }),
    firstJob: JobIdSchema,
    firstNumber: z.int().positive().meta({ description: 'Of its first job; the others mostly follow it.' }),
  })
  .meta({ id: 'Group', description: 'Jobs that were submitted together.' });
export type Group = z.infer<typeof GroupSchema>;
