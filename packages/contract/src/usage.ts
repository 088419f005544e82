import { z } from 'zod';

export const UserUsageSchema = z
  .object({
    user: z.string(),
    gpuSecondsTotal: z
      .number()
      .nonnegative()
      .meta({ description: 'All that is over, and what runs so far.' }),
    gpuSecondsDecayed: z.number().nonnegative().meta({
      description: 'The same, but what is a half-life ago counts for half: fair share goes by this.',
    }),
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

export const UsageSchema = z
  .object({
    halfLifeSeconds: z.number().positive(),
    reachSeconds: z.number().nonnegative(),
    users: z.array(UserUsageSchema).meta({ description: 'Whose turn is next comes first.' }),
  })
  .meta({ id: 'Usage', description: 'What users have used of the devices: the order of fair share.' });
export type Usage = z.infer<typeof UsageSchema>;
