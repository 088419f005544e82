import { z } from 'zod';
import { DiagnosisSchema } from './diagnosis.js';

/** Why a job isn't running now. The order of the codes is the order of judgement: the first that holds is shown. */
export const PendingReasonSchema = z
  .object({
    code: z.enum([
      'held',
      'dependency',
      'start_after',
      'backoff',
      'quota',
      'max_parallel',
      'no_matching_device',
      'draining',
      'resources',
      'priority',
    ]),
    sentence: z.string().meta({ description: 'The reason with its figures, for people.' }),
    at: z.iso
      .datetime()
      .optional()
      .meta({ description: 'When it will be over at the latest; left out where that is not known.' }),
  })
  .meta({ id: 'PendingReason', description: "Why a job isn't running now." });
export type PendingReason = z.infer<typeof PendingReasonSchema>;

/** Why an attempt, and with the last one the job, ended as it did. */
export const CauseSchema = z
  .object({
    code: z.enum([
      'exit_code',
      'signal',
      'out_of_memory',
      'host_out_of_memory',
      'time_limit',
      'launch_error',
      'device_lost',
      'worker_lost',
      'preempted',
      'drill',
      'dependency_failed',
      'trespass',
      'memory_exceeded',
      'hang',
      'user',
    ]),
    sentence: z.string().meta({ description: 'What happened, why, and what to do, for people.' }),
    rank: z
      .int()
      .nullable()
      .meta({ description: 'The rank that failed first; null where no one task did it.' }),
    exitCode: z.int().nullable(),
    signal: z.string().nullable().meta({ example: 'SIGKILL' }),
    diagnosis: DiagnosisSchema.optional().meta({
      description: 'Left out where its output tells nothing known.',
    }),
  })
  .meta({ id: 'Cause', description: 'Why an attempt or a job ended as it did.' });
export type Cause = z.infer<typeof CauseSchema>;

/** Something that happened to a running job and that its owner should know, though it didn't end it. */
export const NoticeSchema = z
  .object({
    at: z.iso.datetime(),
    attempt: z.int().positive(),
    code: z
      .enum(['trespass', 'xid', 'device', 'memory_exceeded', 'time_limit', 'hang', 'start_delayed'])
      .meta({
        description:
          '`trespass`: one of its processes is on a device that is not its own; `xid`: the driver reported an error of its ' +
          'device; `device`: something else about its device; `memory_exceeded`: it has more of a shared device than it declared; ' +
          '`time_limit`: it was warned of its time limit; `hang`: it seems to hang; ' +
          '`start_delayed`: it is to start, but the host has no disk, memory or processes left for that, or its shim does not run.',
      }),
    device: z.string().nullable().meta({ description: "The device's UUID; null: it is about none." }),
    sentence: z.string(),
    detail: z.string().nullable().meta({
      description: 'More of it, in several lines, such as the stacks of its processes; null: no more.',
    }),
  })
  .meta({ id: 'Notice', description: 'Something that happened to a running job, for its owner.' });
export type Notice = z.infer<typeof NoticeSchema>;
