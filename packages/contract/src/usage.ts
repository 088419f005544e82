import { z } from 'zod';
import { JobIdSchema } from './identifiers.js';
import { JobStateSchema } from './job-state.js';

const GpuSecondsSchema = z
  .number()
  .nonnegative()
  .meta({ description: 'All that is over, and what runs so far. Parts of a device count as parts.' });

/** How busy devices were while they were held. */
const ActivitySchema = z.object({
  watchedGpuSeconds: z.number().nonnegative().meta({
    description:
      'For how much of it the daemon saw how busy the devices were: not while it was away, not of MIG instances. Written every 10 s.',
  }),
  idleGpuSeconds: z.number().nonnegative().meta({
    description: 'For how much of that no kernel ran: held, and not used.',
  }),
});

export const UserUsageSchema = z
  .object({
    user: z.string(),
    gpuSecondsTotal: GpuSecondsSchema,
    gpuSecondsDecayed: z.number().nonnegative().meta({
      description: 'The same, but what is a half-life ago counts for half: fair share goes by this.',
    }),
    ...ActivitySchema.shape,
    weight: z.number().positive(),
    factor: z.number().min(0).max(1).meta({
      description:
        'How much of `reachSeconds` its jobs have over others: 1 for who has used nothing, a half for who has used just their share.',
    }),
    gpus: z
      .number()
      .nonnegative()
      .meta({ description: 'What is held now; parts of a device count as parts.' }),
    runningJobs: z.int().nonnegative(),
    pendingJobs: z.int().nonnegative().meta({ description: 'Those that are in line.' }),
    mostGpus: z.number().nullable().meta({ description: 'As many may be held at a time; null: any number.' }),
    mostRunningJobs: z.int().nullable(),
  })
  .meta({ id: 'UserUsage', description: 'What a user has used, has, and may have.' });
export type UserUsage = z.infer<typeof UserUsageSchema>;

export const DeviceUsageSchema = z
  .object({
    device: z.string().meta({ description: 'UUID.' }),
    index: z.int().nonnegative(),
    node: z.string(),
    gpuSeconds: GpuSecondsSchema,
    ...ActivitySchema.shape,
  })
  .meta({ id: 'DeviceUsage', description: 'For how long jobs have had a device.' });
export type DeviceUsage = z.infer<typeof DeviceUsageSchema>;

export const JobUsageSchema = z
  .object({
    job: JobIdSchema,
    number: z.int().positive(),
    name: z.string(),
    user: z.string(),
    state: JobStateSchema,
    gpuSeconds: GpuSecondsSchema,
    ...ActivitySchema.shape,
  })
  .meta({ id: 'JobUsage', description: 'What all attempts of a job have used.' });
export type JobUsage = z.infer<typeof JobUsageSchema>;

export const UsageSchema = z
  .object({
    halfLifeSeconds: z.number().positive(),
    reachSeconds: z.number().nonnegative(),
    users: z.array(UserUsageSchema).meta({ description: 'Whose turn is next comes first.' }),
    devices: z.array(DeviceUsageSchema).meta({ description: 'In the order of their indexes.' }),
    jobs: z.array(JobUsageSchema).meta({
      description: 'Of the jobs that are kept, those that have used the most, the largest first.',
    }),
  })
  .meta({
    id: 'Usage',
    description: 'What users, devices and jobs have come to; and the order of fair share.',
  });
export type Usage = z.infer<typeof UsageSchema>;
