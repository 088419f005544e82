import { homedir, hostname, userInfo } from 'node:os';
import { isAbsolute, join, resolve } from 'node:path';
import {
  BytesInputSchema,
  DeviceLabelsSchema,
  durationInput,
  HangSettingSchema,
  LimitsInputSchema,
  UserSchema,
  WebhookInputSchema,
} from '@berth/contract';
import { parseSimulation } from '@berth/cuda-core';
import { z } from 'zod';
import { parseListen, whyNotListen } from './listening.js';

const FileSchema = z
  .string()
  .min(1)
  .transform((path) => resolve(path));
/** Flags and environment say everything in words. */
const SwitchSchema = z.preprocess(
  (value) => (value === 'true' || value === '1' ? true : value === 'false' || value === '0' ? false : value),
  z.boolean(),
);

const NetworkSchema = z.union([z.cidrv4(), z.cidrv6()], { error: 'must be a network such as 10.1.0.0/16' });

function checkSimulation(spec: string, context: z.RefinementCtx): void {
  try {
    parseSimulation(spec);
  } catch (error) {
    context.addIssue({ code: 'custom', message: (error as Error).message });
  }
}

/** The configuration file, and what flags and environment are checked by. Every key has a default. */
export const ConfigSchema = z
  .strictObject({
    dataDir: z
      .string()
      .min(1)
      .transform((path) => (isAbsolute(path) ? path : resolve(path)))
      .default(() => defaultDataDirectory())
      .meta({
        description: 'Where jobs, logs, the token and the private Redis live; a local disk.',
        'x-default': '`/var/lib/berth` for root, `~/.local/share/berth` else',
      }),
    listen: z
      .string()
      .refine(
        (listen) => parseListen(listen) !== null,
        'must be an address with a port of at most 65535, such as 127.0.0.1:7700 (port 0 picks a free one)',
      )
      .default('127.0.0.1:7700')
      .meta({ description: 'Where the API listens. Beyond loopback it needs tls, or insecureListen.' }),
    tls: z
      .strictObject({
        cert: FileSchema.meta({
          description: 'The certificate with its chain, in PEM.',
          'x-default': 'none: plain HTTP',
        }),
        key: FileSchema.meta({ description: 'Its key, in PEM.', 'x-default': 'none' }),
      })
      .optional()
      .meta({
        description: 'Files in PEM: a certificate with its chain, and its key.',
      }),
    insecureListen: SwitchSchema.default(false).meta({
      description: 'Lets the API listen beyond loopback without TLS: whoever sees the network sees tokens.',
    }),
    trustedProxies: z.array(z.string().min(1)).default([]).meta({
      description: 'Addresses or networks whose X-Forwarded headers are believed, such as 10.0.0.0/8.',
    }),
    allowedHosts: z.array(z.string().min(1)).default([]).meta({
      description: "Names besides this host's by which browsers may reach the API.",
    }),
    allowedOrigins: z.array(z.url()).default([]).meta({
      description: "Origins besides the API's own whose pages may call it, such as https://lab.example.",
    }),
    requestTimeout: durationInput({ min: 1, max: 3600 }).prefault('1m').meta({
      description: 'How long a client may take to send a request.',
    }),
    visibility: z.enum(['all', 'own']).default('all').meta({
      description: 'Whether users see the jobs of others, or only their own; admins see all.',
    }),
    socketUsers: z.enum(['auto', 'known']).default('auto').meta({
      description:
        'Who may come by the unix socket: every account of this host, or those that are users already.',
    }),
    socketMode: z
      .string()
      .regex(/^0?[0-7]{3}$/, 'must be three octal digits, such as 0666')
      .default('0666')
      .meta({ description: 'The permissions of the unix socket.' }),
    rootJobs: z
      .preprocess(
        (value) => (typeof value === 'string' ? value.split(',') : value),
        z.array(z.union([z.literal('*'), UserSchema])),
      )
      .default(['root'])
      .meta({
        description:
          'Where the daemon is root: users whose jobs run as root if they have no Unix account of their own; `*`: all.',
      }),
    redisUrl: z
      .string()
      .regex(/^(rediss?|unix):\/\//, 'must be a URL such as redis://127.0.0.1:6379/0')
      .optional()
      .meta({
        description: 'A Redis to use instead of the private one.',
        'x-default': 'a private one in the data directory',
      }),
    simulate: z
      .string()
      .superRefine(checkSimulation)
      .optional()
      .meta({ description: 'Simulated devices, such as 2xH100-80GB.', 'x-default': 'the real driver' }),
    node: z
      .string()
      .regex(/^[A-Za-z0-9._-]{1,253}$/)
      .default(() => hostname())
      .meta({ description: "This host's name in Berth.", 'x-default': "the host's name" }),
    logLevel: z.enum(['debug', 'info', 'warn', 'error']).default('info').meta({
      description: 'How much the daemon and its workers say.',
    }),
    gracePeriod: durationInput().prefault('30s').meta({
      description: 'Between SIGTERM and SIGKILL, for jobs that name none. Seconds, or text.',
    }),
    foreignMemoryLimit: z
      .union([z.literal('ignore'), BytesInputSchema])
      .prefault('512MiB')
      .meta({
        description:
          'How much memory processes of no job may have on a device before jobs are kept away from it; "ignore": as much as they like.',
      }),
    trespass: z.enum(['warn', 'kill']).default('warn').meta({
      description: 'What becomes of a job that uses a device which was not given to it.',
    }),
    tracesUrl: z
      .url({ protocol: /^https?$/ })
      .optional()
      .meta({
        description:
          'Where a collector of OpenTelemetry takes traces (OTLP over HTTP), such as http://127.0.0.1:4318/v1/traces: one for each job that ends.',
        'x-default': 'none',
      }),
    dcgmJobMapping: FileSchema.optional().meta({
      description:
        "A folder to keep for DCGM's exporter (`--hpc-job-mapping-dir`): which jobs have which GPU.",
      'x-default': 'none',
    }),
    quickFailures: z.int().min(0).max(1000).default(3).meta({
      description:
        'After how many different jobs in a row that fail within seconds on the same device it is taken out, where jobs on others go on; 0: never.',
    }),
    plannedDuration: durationInput({ positive: true }).prefault('1d').meta({
      description:
        'How long a job without a time limit is planned to run, when others look for a gap before it. It is never ended for that.',
    }),
    users: z
      .record(
        z.union([z.literal('*'), UserSchema]),
        z.strictObject({
          weight: z.number().positive().max(1e6).default(1),
          gpus: z.number().positive().nullable().default(null),
          runningJobs: z.int().positive().nullable().default(null),
          priority: z.int().min(-1000).max(1000).nullable().default(null),
          timeLimit: durationInput({ positive: true }).nullable().default(null),
        }),
      )
      .default({})
      .meta({
        description:
          'How much of the devices is whose: `weight` for fair share, `gpus` and `runningJobs` at a time; the highest `priority` and the longest `timeLimit` of their jobs, which those have that name none; `*` for all who are not named.',
      }),
    fairShareHalfLife: durationInput({ positive: true })
      .prefault('7d')
      .meta({ description: 'After this long, what a user has used counts for half.' }),
    fairShareReach: durationInput().prefault('1d').meta({
      description:
        'How much of a start users who have used nothing have over those who have used much; whoever has waited for that long goes before all that are submitted now. 0: submission alone counts.',
    }),
    deviceLabels: z.record(z.string().min(1), DeviceLabelsSchema).default({}).meta({
      description: 'Labels of devices, for constraints, by masks such as "0,1" or "GPU-3f1c8a52".',
    }),
    followers: z.int().min(1).max(1_000_000).default(2000).meta({
      description: 'How many requests may follow events or logs, or wait for jobs, at a time.',
    }),
    memoryExceeded: z.enum(['warn', 'kill']).default('warn').meta({
      description: 'What becomes of a job that has more of a shared device than it declared.',
    }),
    controlGroups: z
      .union([
        z.enum(['auto', 'off']),
        z.string().regex(/^\//, 'must be auto, off, or a path such as /berth.slice'),
      ])
      .default('auto')
      .meta({
        description:
          'Where tasks get control groups (cgroup v2): `auto`, where berthd may make them; `off`; or a path below the root of the hierarchy; see docs/containment.md.',
      }),
    limits: LimitsInputSchema.prefault({}).meta({
      description: 'For jobs that name none: `{memory, cpus, processes}`.',
    }),
    hang: HangSettingSchema.prefault({}).meta({
      description:
        'What becomes of jobs that stand still: no output, metrics or checkpoint, and devices all the time at 0 % or at 100 %; see docs/hangs.md.',
    }),
    notifications: z
      .strictObject({
        webhooks: z.array(WebhookInputSchema).max(20).default([]).meta({
          description:
            'Who is told of every job, by POST: `{url, events, secret}`; see docs/notifications.md.',
        }),
        allow: z.array(NetworkSchema).default([]).meta({
          description:
            'Networks of this host or around it that webhooks may send to, such as `127.0.0.0/8`, `10.1.0.0/16`, `fd00::/8`.',
        }),
        firstRetry: durationInput({ min: 0.01, max: 3600 }).prefault('5s').meta({
          description:
            'After how long a delivery is tried again; each time after twice as long, 12 tries in all.',
        }),
      })
      .prefault({})
      .meta({ description: 'Webhooks.' }),
    snapshotLimit: BytesInputSchema.prefault('200MiB').meta({
      description: "The most that a copy of a job's code may take (`snapshot`).",
    }),
    retention: z
      .strictObject({
        jobs: durationInput({ positive: true })
          .prefault('90d')
          .meta({ description: 'How long a job is remembered after its end.' }),
        mostJobs: z
          .int()
          .min(0)
          .default(1_000_000)
          .meta({ description: 'How many jobs that have ended are remembered at the most.' }),
        logs: durationInput({ positive: true }).prefault('30d').meta({
          description: 'How long the logs of a job are kept after its end, and the copy of its code.',
        }),
        logBytes: BytesInputSchema.prefault('20GiB').meta({
          description:
            'How much the logs and the code of all jobs may take; those that ended first go first.',
        }),
        every: durationInput({ min: 0.05, max: 86_400 })
          .prefault('1h')
          .meta({ description: 'How often all that is looked at.' }),
      })
      .prefault({})
      .meta({ description: 'How long what has ended is kept.' }),
    logLimit: BytesInputSchema.pipe(z.number().min(65_536)).prefault('256MiB').meta({
      description: "The most that one task's log takes on disk: its first MiB and the newest are kept.",
    }),
  })
  .superRefine((config, context) => {
    const message = whyNotListen(config.listen, config);
    if (message) context.addIssue({ code: 'custom', path: ['listen'], message });
  })
  .meta({ title: 'Settings of berthd' });
export type Config = z.infer<typeof ConfigSchema>;

/** `/var/lib/berth` for root, the XDG data directory for everybody else. */
function defaultDataDirectory(): string {
  if (userInfo().uid === 0) return '/var/lib/berth';
  return join(process.env.XDG_DATA_HOME ?? join(homedir(), '.local', 'share'), 'berth');
}
