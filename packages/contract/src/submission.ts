import { z } from 'zod';
import { CheckpointSignalSchema, TimeLimitWarningInputSchema } from './checkpoint.js';
import { SnapshotModeSchema } from './code.js';
import { ConstraintsInputSchema } from './constraints.js';
import { DependencyInputSchema } from './dependency.js';
import { HangInputSchema } from './hang.js';
import { LimitsInputSchema } from './limits.js';
import { WebhookInputSchema } from './notify.js';
import { RetrySchema } from './retry.js';
import { SharingInputSchema } from './sharing.js';
import { DurationInputSchema, durationInput, formatBytes, formatDuration } from './units.js';
import { UserSchema } from './user.js';

/** Names that Berth gives to every task; a submission that sets them would be overruled, so it is refused. */
export const RESERVED_ENVIRONMENT = ['CUDA_VISIBLE_DEVICES', 'CUDA_DEVICE_ORDER'] as const;

const LONGEST_TIME_LIMIT_SECONDS = 31_536_000;

const WRITE_TIME = 'is no time: write 2026-11-22T02:00:00Z, or how long from now, such as 8h';

/** What an environment may take in all, names and values: Linux gives a program about twice that, arguments included. */
const MOST_ENVIRONMENT_BYTES = 2 ** 20;

const noNul = (text: string): boolean => !text.includes('\0');
const TextSchema = z.string().max(131_071).refine(noNul, 'must not contain a NUL character');

const CommandSchema = z
  .array(TextSchema, {
    error: (issue) =>
      typeof issue.input === 'string'
        ? 'expected a list such as ["python", "train.py"]; for a line of shell, use script'
        : undefined,
  })
  .min(1, 'an empty command runs nothing; name a program, such as ["python", "train.py"]')
  .max(4096)
  .refine((argv) => argv[0] !== '', { path: [0], error: 'the program has no name' })
  .meta({
    description: 'The program and its arguments.',
    examples: [['python3', 'train.py', '--lr', '0.1']],
  });

const EnvironmentSchema = z
  .record(
    z
      .string()
      .regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'not a name for an environment variable')
      .max(256),
    TextSchema,
  )
  .superRefine((environment, context) => {
    const names = Object.keys(environment);
    if (names.length > 1024) {
      context.addIssue({ code: 'custom', message: `at most 1024 variables; these are ${names.length}` });
    }
    // With the sign between and the NUL behind, as the system counts.
    const bytes = names.reduce(
      (sum, name) => sum + bytesIn(name) + bytesIn(environment[name] as string) + 2,
      0,
    );
    if (bytes > MOST_ENVIRONMENT_BYTES) {
      const message = `its variables take ${formatBytes(bytes)} in all; at most ${formatBytes(MOST_ENVIRONMENT_BYTES)}: put large values into a file, and its name here`;
      context.addIssue({ code: 'custom', message });
    }
    for (const name of names) {
      if ((RESERVED_ENVIRONMENT as readonly string[]).includes(name)) {
        const message = `${name} is set by Berth for every task; name the devices in "devices" instead`;
        context.addIssue({ code: 'custom', path: [name], message });
      } else if (name.startsWith('BERTH_')) {
        context.addIssue({
          code: 'custom',
          path: [name],
          message: 'names that begin with BERTH_ are set by Berth',
        });
      }
    }
  })
  .meta({
    description: "Variables added to the task's environment: 1,024 at most, and 1 MiB in all.",
    examples: [{ OMP_NUM_THREADS: '4' }],
  });

const bytesIn = (text: string): number => new TextEncoder().encode(text).length;

const AbsolutePathSchema = TextSchema.max(4095).refine(
  (path) => path.startsWith('/'),
  'must be an absolute path',
);

const LabelsSchema = z
  .record(z.string().min(1).max(63), TextSchema.max(255))
  .refine((labels) => Object.keys(labels).length <= 64, 'at most 64 labels');

export const LaunchSchema = z.enum(['single', 'perDevice']).meta({
  id: 'Launch',
  description:
    '`single`: one process that sees all devices of the job. `perDevice`: one process per device with RANK, ' +
    'LOCAL_RANK, WORLD_SIZE, LOCAL_WORLD_SIZE, MASTER_ADDR and MASTER_PORT.',
});
export type Launch = z.infer<typeof LaunchSchema>;

/** What a user submits. Unknown fields are refused: a misspelt one would otherwise be lost in silence. */
export const JobSubmissionSchema = z
  .strictObject({
    command: CommandSchema.optional(),
    script: TextSchema.min(1)
      .optional()
      .meta({ description: 'A program text, run by its #! line or by /bin/sh. Instead of command.' }),
    name: TextSchema.min(1)
      .max(200)
      .optional()
      .meta({ description: 'Default: the name of the script or program.' }),
    labels: LabelsSchema.default({}),
    user: UserSchema.optional().meta({
      description:
        'Whose job it is, for permissions, fair share and limits. Default: who submits it; another name is for admins.',
      examples: ['ada'],
    }),
    workingDirectory: AbsolutePathSchema.optional().meta({
      description: "Default: the home directory of the daemon's user.",
      examples: ['/home/ada/project'],
    }),
    snapshot: SnapshotModeSchema.optional(),
    environment: EnvironmentSchema.default({}),
    gpus: z.int().min(1, 'a job needs at least 1 device').max(1024).optional().meta({
      description: 'How many devices. Default: as many as the mask names, or 1 without a mask.',
    }),
    devices: z
      .string()
      .max(1_048_576)
      .optional()
      .meta({
        description:
          'A mask: indexes, cuda:N or UUIDs, separated by commas. The job runs on these only and sees them in this order; ' +
          'where it names more than `gpus`, its order is a preference.',
        examples: ['1', '0,1', 'cuda:1', 'GPU-3f1c8a52'],
      }),
    constraints: ConstraintsInputSchema.optional(),
    sharing: SharingInputSchema.optional(),
    launch: LaunchSchema.default('single'),
    priority: z.int().min(-1000).max(1000).default(0).meta({
      description: 'Higher goes first. The daemon may have a highest one for a user (its setting `users`).',
    }),
    timeLimit: durationInput({ positive: true, max: LONGEST_TIME_LIMIT_SECONDS })
      .optional()
      .meta({
        description:
          'After this long the job is stopped. Seconds, or text such as "2h". Default: the longest that the daemon has for the user (its setting `users`), or none.',
        examples: ['2h', 7200],
      }),
    gracePeriod: durationInput({ max: 86_400 })
      .optional()
      .meta({
        description: 'Between SIGTERM and SIGKILL when the job is stopped. Seconds, or text. Default 30 s.',
        examples: ['30s', 120],
      }),
    preemptible: z
      .boolean()
      .default(false)
      .meta({
        description:
          'Whether it may be stopped to make room for jobs of higher priority. It gets its checkpointSignal, after half the grace ' +
          'period SIGTERM, at its end SIGKILL, and waits again, ahead of its class.',
      }),
    checkpointSignal: CheckpointSignalSchema.nullable()
      .optional()
      .meta({
        description:
          'Sent to every process before the job is preempted or requeued, so that it saves its work; also by drills. A process ' +
          'without a handler for it is ended by it. Default: SIGUSR1 where it is preemptible, or else none.',
      }),
    checkpointPath: TextSchema.min(1)
      .max(4095)
      .optional()
      .meta({
        description:
          'A file or folder, absolute or in the working directory, whose change shows that a checkpoint was written.',
        examples: ['checkpoints/last.pt'],
      }),
    timeLimitWarning: TimeLimitWarningInputSchema.optional().meta({
      description: 'A signal to every process some time before the time limit, which it needs.',
      examples: [{ before: '5m' }],
    }),
    hang: HangInputSchema.optional(),
    limits: LimitsInputSchema.optional(),
    hold: z.boolean().default(false).meta({ description: 'Whether it waits until somebody releases it.' }),
    startAfter: z
      .union([z.iso.datetime({ offset: true, error: WRITE_TIME }), DurationInputSchema], {
        error: WRITE_TIME,
      })
      .optional()
      .meta({
        description: 'Not before this time (RFC 3339), or not before so long from now.',
        examples: ['2026-11-22T02:00:00Z', '8h'],
      }),
    after: z
      .array(DependencyInputSchema)
      .max(1000)
      .default([])
      .meta({ description: 'Jobs that have to end first.', examples: [[41, { job: '42', on: 'ended' }]] }),
    onDependencyFailure: z
      .enum(['fail', 'wait'])
      .default('fail')
      .meta({
        description:
          'What becomes of it when a job that it waits for ends otherwise: it fails too (`dependency_failed`), or goes on waiting ' +
          'for that one to be requeued.',
      }),
    retry: RetrySchema.optional(),
    notify: z.array(WebhookInputSchema).max(10).default([]).meta({
      description: 'Who is told of it, by POST; see docs/notifications.md.',
    }),
  })
  .superRefine((job, context) => {
    const several = job.gpus !== undefined && job.gpus > 1;
    if (job.sharing && (several || job.launch === 'perDevice')) {
      const message = 'only a job of one device can share it: leave gpus and launch out';
      context.addIssue({ code: 'custom', path: ['sharing'], message });
    }
    if (job.command === undefined && job.script === undefined) {
      const message = 'nothing to run: give command (a list) or script (a text)';
      context.addIssue({ code: 'custom', path: ['command'], message });
    }
    if (job.command !== undefined && job.script !== undefined) {
      context.addIssue({ code: 'custom', path: ['script'], message: 'give command or script, not both' });
    }
    if (job.timeLimitWarning && job.timeLimit === undefined) {
      const message = 'there is no timeLimit to warn of; name one';
      context.addIssue({ code: 'custom', path: ['timeLimitWarning'], message });
    }
    if (job.timeLimitWarning && job.timeLimit !== undefined && job.timeLimitWarning.before >= job.timeLimit) {
      const message = `must be shorter than the timeLimit of ${formatDuration(job.timeLimit)}`;
      context.addIssue({ code: 'custom', path: ['timeLimitWarning', 'before'], message });
    }
  })
  .meta({
    id: 'JobSubmission',
    description: 'What a user submits: a `command` or a `script`, exactly one of them, and what it needs.',
    oneOf: [{ required: ['command'] }, { required: ['script'] }],
  });
export type JobSubmission = z.infer<typeof JobSubmissionSchema>;
export type JobSubmissionInput = z.input<typeof JobSubmissionSchema>;

/** What may be changed of a job that hasn't ended. */
export const JobChangeSchema = z
  .strictObject({
    priority: z.int().min(-1000).max(1000).optional(),
    timeLimit: durationInput({ positive: true, max: LONGEST_TIME_LIMIT_SECONDS }).nullable().optional().meta({
      description: 'Counted from the start; null: none.',
    }),
    labels: LabelsSchema.optional(),
  })
  .refine(
    (change) => Object.values(change).some((value) => value !== undefined),
    'nothing to change is named',
  )
  .meta({ id: 'JobChange' });
export type JobChange = z.infer<typeof JobChangeSchema>;
export type JobChangeInput = z.input<typeof JobChangeSchema>;
