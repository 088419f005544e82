import { z } from 'zod';
import { CheckpointSchema, CheckpointSignalSchema, TimeLimitWarningSchema } from './checkpoint.js';
import { CodeSchema, SnapshotModeSchema } from './code.js';
import { ConstraintsSchema } from './constraints.js';
import { DependencySchema } from './dependency.js';
import { DeviceProcessSchema } from './device.js';
import { HangPolicySchema } from './hang.js';
import { JobIdSchema } from './identifiers.js';
import { JobStateSchema } from './job-state.js';
import { LimitsSchema } from './limits.js';
import { WebhookSchema } from './notify.js';
import { CauseSchema, NoticeSchema, PendingReasonSchema } from './reason-and-cause.js';
import { RetrySchema } from './retry.js';
import { SharingSchema } from './sharing.js';
import { LaunchSchema } from './submission.js';

const TimeSchema = z.iso
  .datetime()
  .meta({ description: 'RFC 3339, UTC.', example: '2026-11-21T02:00:00.000Z' });
const NullableTimeSchema = TimeSchema.nullable();

/** One process of an attempt. */
export const TaskSchema = z
  .object({
    rank: z.int().nonnegative(),
    devices: z.array(z.string()).meta({ description: 'UUIDs in the order in which the task sees them.' }),
    state: z.enum(['waiting', 'claimed', 'running', 'ended']),
    pid: z.int().nullable(),
    startedAt: NullableTimeSchema,
    endedAt: NullableTimeSchema,
    exitCode: z.int().nullable(),
    signal: z.string().nullable(),
    maxResidentBytes: z.int().nullable().meta({ description: 'Peak host memory of its largest process.' }),
    memoryPeakBytes: z.int().nullable().meta({
      description:
        'Peak host memory of all its processes together, page cache included; null: nobody counted.',
    }),
    cpuSeconds: z.number().nullable().meta({ description: 'User and system time of all its processes.' }),
  })
  .meta({ id: 'Task', description: 'One process of an attempt, with a rank.' });
export type Task = z.infer<typeof TaskSchema>;

export const AllocatedDeviceSchema = z
  .object({
    uuid: z.string(),
    index: z.int().nonnegative().meta({ description: 'Of its GPU, in PCI order, on its node.' }),
  })
  .meta({ id: 'AllocatedDevice' });
export type AllocatedDevice = z.infer<typeof AllocatedDeviceSchema>;

/** One try at running a job. */
export const AttemptSchema = z
  .object({
    number: z.int().positive(),
    node: z.string(),
    devices: z.array(AllocatedDeviceSchema).meta({ description: 'In the order in which the job sees them.' }),
    placedAt: TimeSchema,
    startedAt: NullableTimeSchema,
    stoppingAt: NullableTimeSchema.meta({
      description: 'Since when it is being stopped, by whomever; null: it was not, or it ended before.',
    }),
    endedAt: NullableTimeSchema,
    cause: CauseSchema.nullable(),
    checkpoint: CheckpointSchema.nullable().meta({
      description: 'How it took its checkpoint signal; null: none was sent to end it.',
    }),
    tasks: z.array(TaskSchema),
  })
  .meta({ id: 'Attempt', description: 'One try at running a job.' });
export type Attempt = z.infer<typeof AttemptSchema>;

export const JobDeviceUseSchema = z
  .object({
    device: z.string(),
    index: z.int().nonnegative(),
    jobBytes: z.int().nonnegative().nullable().meta({ description: 'What its own processes have there.' }),
    declaredBytes: z
      .int()
      .nonnegative()
      .nullable()
      .meta({ description: 'What it declared to need, where it shares the device.' }),
    peakBytes: z
      .int()
      .nonnegative()
      .nullable()
      .meta({ description: 'The most that its processes had there at a time, in this attempt.' }),
    foreignBytes: z
      .int()
      .nonnegative()
      .nullable()
      .meta({ description: 'What processes have there that belong to no job.' }),
    processes: z.array(DeviceProcessSchema).nullable(),
  })
  .meta({ id: 'JobDeviceUse', description: "Who has memory on one of a job's devices." });
export type JobDeviceUse = z.infer<typeof JobDeviceUseSchema>;

export const JobSchema = z
  .object({
    id: JobIdSchema,
    number: z.int().positive().meta({ description: 'A small running number that people can type.' }),
    name: z.string(),
    user: z.string(),
    state: JobStateSchema,
    reason: PendingReasonSchema.nullable().meta({
      description: "Why it isn't running; null unless pending.",
    }),
    position: z.int().positive().nullable().meta({
      description: 'Place in line, as the order is now; null unless it is in line.',
    }),
    cause: CauseSchema.nullable().meta({ description: 'Why it ended; null until then.' }),
    command: z.array(z.string()).nullable(),
    script: z.string().nullable(),
    account: z.string().nullable().meta({
      description: "The Unix account that its processes run as; null: the daemon's own.",
    }),
    workingDirectory: z.string().meta({ description: 'As it was submitted.' }),
    snapshot: SnapshotModeSchema.nullable().meta({
      description: 'null: it runs in the working directory, with what is there when it starts.',
    }),
    code: CodeSchema.nullable().meta({
      description: 'What was in the working directory at submission; null: nothing that git knows.',
    }),
    environment: z.record(z.string(), z.string()).meta({
      description: 'Of jobs of others, values read `[hidden]`, but to admins.',
    }),
    labels: z.record(z.string(), z.string()),
    gpus: z.int().positive(),
    devices: z.string().nullable().meta({ description: 'The mask as it was submitted.' }),
    constraints: ConstraintsSchema.nullable(),
    sharing: SharingSchema.nullable().meta({ description: 'null: it has its devices to itself.' }),
    launch: LaunchSchema,
    priority: z.int(),
    timeLimit: z.number().nullable().meta({ description: 'Seconds.' }),
    timeLimitWarning: TimeLimitWarningSchema.nullable(),
    hang: HangPolicySchema.nullable().meta({ description: "null: as the daemon's settings have it." }),
    limits: LimitsSchema.nullable().meta({ description: 'null: none.' }),
    preemptible: z.boolean(),
    checkpointSignal: CheckpointSignalSchema.nullable().meta({
      description: 'null: stopping it begins with SIGTERM, and there is nothing to drill.',
    }),
    checkpointPath: z.string().nullable().meta({ description: 'Absolute.' }),
    group: z
      .object({
        id: z.string(),
        index: z.int().nonnegative(),
        parameters: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])),
      })
      .nullable()
      .meta({
        description: 'Its place among jobs that were submitted together; null: it was submitted alone.',
      }),
    schedule: z.object({ id: z.string(), at: TimeSchema }).nullable().meta({
      description: 'The schedule that it came of, and the time by it; null: somebody submitted it.',
    }),
    held: z.boolean(),
    startAfter: NullableTimeSchema.meta({
      description: 'Not before this time: as submitted, or after a failure.',
    }),
    after: z.array(DependencySchema),
    onDependencyFailure: z.enum(['fail', 'wait']),
    retry: RetrySchema.nullable(),
    retries: z.int().nonnegative().meta({ description: 'How many were made.' }),
    notify: z.array(WebhookSchema),
    gracePeriod: z.number().meta({ description: 'Seconds.' }),
    submittedAt: TimeSchema,
    startedAt: NullableTimeSchema,
    endedAt: NullableTimeSchema,
    attempts: z.array(AttemptSchema).meta({ description: 'Oldest first; the last one is the current one.' }),
    deviceUse: z.array(JobDeviceUseSchema).nullable().meta({
      description: 'Who has memory on its devices now: in answers about one job that runs; null otherwise.',
    }),
    notices: z
      .array(NoticeSchema)
      .meta({ description: 'What happened to it that its owner should know, oldest first; 50 at most.' }),
  })
  .meta({ id: 'Job', description: 'A job, with all its attempts.' });
export type Job = z.infer<typeof JobSchema>;

export const JobListSchema = z
  .object({
    items: z.array(JobSchema),
    nextCursor: z
      .string()
      .nullable()
      .meta({ description: 'Give it as `cursor` for the next page; null on the last.' }),
  })
  .meta({ id: 'JobList' });
export type JobList = z.infer<typeof JobListSchema>;
