import { z } from 'zod';
import { JobIdSchema } from './identifiers.js';
import { RestartSchema } from './restart.js';

const BytesSchema = z.int().nonnegative().nullable();
const FigureSchema = z.number().nullable();
const CountSchema = z.int().nonnegative().nullable();
const TimeSchema = z.iso.datetime();

/** A job's number and name, where its user is told of anyway. */
export const TOLD_OF_JOB = {
  number: z
    .int()
    .positive()
    .nullable()
    .meta({ description: "null: another user's, where users see only what is theirs." }),
  name: z.string().nullable().meta({ description: 'null: as the number.' }),
};

/** The attempt that a device is given to. */
export const HolderSchema = z
  .object({
    job: JobIdSchema,
    ...TOLD_OF_JOB,
    user: z.string(),
    attempt: z.int().positive(),
    since: TimeSchema,
    latestEnd: TimeSchema.nullable().meta({
      description: 'When its time limit ends it, with its grace period; null: it has none.',
    }),
    sharedBytes: BytesSchema.meta({
      description: 'What it declared to need of the device; null: it has it to itself.',
    }),
  })
  .meta({ id: 'Holder', description: 'An attempt that holds a device.' });
export type Holder = z.infer<typeof HolderSchema>;

/** A process that has memory on a device, and whose it is. */
export const DeviceProcessSchema = z
  .object({
    pid: z.int(),
    kind: z.enum(['compute', 'graphics', 'mps']),
    memoryBytes: BytesSchema.meta({ description: "null: the driver doesn't tell." }),
    user: z.string().nullable().meta({ description: 'null: the process is not to be seen from here.' }),
    command: z.string().nullable().meta({
      description: "Its name, without arguments; null where that isn't known, or another user's business.",
    }),
    job: JobIdSchema.nullable().meta({
      description: 'The job that it belongs to, by its parents or its environment; null: it is foreign.',
    }),
    number: z.int().positive().nullable().meta({
      description: "That job's number; null also for another user's, where users see only what is theirs.",
    }),
  })
  .meta({ id: 'DeviceProcess', description: 'A process that has memory on a device, and whose it is.' });
export type DeviceProcess = z.infer<typeof DeviceProcessSchema>;

export const ClocksSchema = z
  .object({
    graphicsMegahertz: FigureSchema,
    smMegahertz: FigureSchema,
    memoryMegahertz: FigureSchema,
  })
  .meta({ id: 'Clocks' });

/** What the driver said of a device, and when. A null is a figure that it doesn't give. */
export const DeviceSampleSchema = z
  .object({
    takenAt: TimeSchema,
    ageSeconds: z.number().nonnegative(),
    memoryUsedBytes: BytesSchema,
    memoryFreeBytes: BytesSchema,
    memoryReservedBytes: BytesSchema.meta({ description: 'What the driver keeps for itself.' }),
    jobBytes: BytesSchema.meta({ description: 'What processes of jobs have taken.' }),
    foreignBytes: BytesSchema.meta({ description: 'What processes have taken that belong to no job.' }),
    utilisation: z
      .number()
      .min(0)
      .max(1)
      .nullable()
      .meta({ description: 'The share of time in which a kernel ran.' }),
    memoryUtilisation: z.number().min(0).max(1).nullable(),
    temperatureCelsius: FigureSchema,
    powerWatts: FigureSchema.meta({ description: "null for a MIG instance: only the board's is known." }),
    clocks: ClocksSchema,
    throttled: z
      .array(z.string())
      .nullable()
      .meta({ description: 'Why its clocks are lower than they could be.', example: ['power limit'] }),
    ecc: z
      .object({ corrected: CountSchema, uncorrected: CountSchema })
      .meta({ description: 'Memory errors since the driver was loaded.' }),
    remappedRows: z
      .object({
        correctable: z.int(),
        uncorrectable: z.int(),
        pending: z.boolean(),
        failed: z.boolean(),
      })
      .nullable(),
    memoryTemperatureCelsius: FigureSchema.meta({
      description: 'Of the board, for a MIG instance too; null where its memory has no sensor.',
    }),
    energyJoules: FigureSchema.meta({
      description: 'What the board has taken since the driver was loaded; null for a MIG instance.',
    }),
    pcieReplays: CountSchema.meta({
      description:
        'Packets that were sent again over PCIe since the driver was loaded; null for a MIG instance.',
    }),
    nvlink: z
      .object({
        transmittedBytes: BytesSchema,
        receivedBytes: BytesSchema,
        flitCrcErrors: CountSchema,
        dataCrcErrors: CountSchema,
        replays: CountSchema,
        recoveries: CountSchema,
      })
      .nullable()
      .meta({
        description:
          'Over all its NVLinks, since the driver was loaded; null: it has none, or is an instance.',
      }),
    processes: z.array(DeviceProcessSchema).nullable(),
  })
  .meta({ id: 'DeviceSample', description: 'What the driver said of a device, and when.' });
export type DeviceSample = z.infer<typeof DeviceSampleSchema>;

/** Where a MIG instance is. */
export const MigSchema = z
  .object({
    parent: z.string().meta({ description: "The GPU's UUID." }),
    index: z.int().nonnegative().meta({ description: 'Among the instances of its GPU.' }),
    profile: z.string().nullable().meta({ example: '1g.10gb' }),
    gpuInstance: CountSchema,
    computeInstance: CountSchema,
  })
  .meta({ id: 'Mig', description: 'Where a MIG instance is.' });

export const LinkSchema = z
  .object({
    device: z.string().meta({ description: "The other GPU's UUID." }),
    nvlinks: CountSchema.meta({ description: 'How many NVLinks lead there, directly or by switches.' }),
    path: z
      .enum(['internal', 'singleSwitch', 'multipleSwitches', 'hostBridge', 'node', 'system'])
      .nullable()
      .meta({ description: 'What the PCIe path crosses at the most.' }),
  })
  .meta({ id: 'Link', description: 'How a GPU reaches another.' });

export const ObstacleCodeSchema = z.enum([
  'drained',
  'unwell',
  'lost',
  'quick_failures',
  'unresponsive',
  'foreign_use',
  'prohibited',
]);
export type ObstacleCode = z.infer<typeof ObstacleCodeSchema>;

/** Something that keeps jobs away from a device. */
export const ObstacleSchema = z
  .object({
    code: ObstacleCodeSchema.meta({
      description:
        '`drained`: a person took it out; `unwell`: an XID or failing memory; `lost`: fallen off the bus; ' +
        "`quick_failures`: job after job failed on it within seconds; `unresponsive`: the driver doesn't answer for it; " +
        '`foreign_use`: processes of no job have memory on it; `prohibited`: its compute mode allows no jobs.',
    }),
    sentence: z.string(),
    since: TimeSchema,
    endsBy: z
      .enum(['resume', 'itself'])
      .meta({ description: 'Whether somebody has to resume the device, or it passes with its reason.' }),
  })
  .meta({ id: 'Obstacle', description: 'Something that keeps jobs away from a device.' });
export type Obstacle = z.infer<typeof ObstacleSchema>;

export const DeviceHealthSchema = z
  .object({
    state: z.enum(['ok', 'unwell', 'lost', 'unresponsive', 'unknown']),
    sentence: z
      .string()
      .nullable()
      .meta({ description: 'What is wrong and what to do; null where nothing is.' }),
  })
  .meta({ id: 'DeviceHealth' });
export type DeviceHealth = z.infer<typeof DeviceHealthSchema>;

/** An error that the driver reported of a device. */
export const XidReportSchema = z
  .object({
    at: TimeSchema,
    xid: z.int().nonnegative(),
    meaning: z.string(),
    verdict: z.enum(['application', 'reset', 'gone', 'note']),
  })
  .meta({ id: 'XidReport', description: 'An error that the driver reported of a device.' });
export type XidReport = z.infer<typeof XidReportSchema>;

export const DeviceSchema = z
  .object({
    uuid: z.string().meta({ example: 'GPU-3f1c8a52-9d07-4e6b-8f3a-5b21c6d7e890' }),
    index: z
      .int()
      .nonnegative()
      .meta({ description: 'Of the GPU, in PCI order, on its node. The MIG instances of one GPU share it.' }),
    cudaIndex: CountSchema.meta({
      description: "In CUDA's own order (by speed), without CUDA_DEVICE_ORDER; null where that isn't known.",
    }),
    node: z.string(),
    name: z.string().meta({ example: 'NVIDIA H100 80GB HBM3' }),
    architecture: z.string().nullable().meta({ example: 'Hopper' }),
    mig: MigSchema.nullable().meta({ description: 'null: a whole GPU.' }),
    memoryTotalBytes: BytesSchema,
    computeCapability: z.string().nullable().meta({ example: '9.0' }),
    pciAddress: z.string().nullable().meta({ example: '00000000:41:00.0' }),
    minorNumber: CountSchema.meta({ description: 'Of /dev/nvidia<n>.' }),
    numaNode: CountSchema,
    cpuAffinity: z.string().nullable().meta({ description: 'The CPUs near it.', example: '0-15,32-47' }),
    computeMode: z.enum(['default', 'exclusiveThread', 'prohibited', 'exclusiveProcess']).nullable(),
    persistenceMode: z.boolean().nullable(),
    eccEnabled: z.boolean().nullable(),
    powerLimitWatts: FigureSchema,
    powerLimitRangeWatts: z.object({ least: z.number(), most: z.number() }).nullable(),
    slowdownCelsius: FigureSchema,
    maxClocks: ClocksSchema,
    links: z.array(LinkSchema),
    simulated: z.boolean(),
    labels: z.record(z.string(), z.string()),
    holders: z
      .array(HolderSchema)
      .meta({ description: 'None, the one that has it to itself, or all that share it.' }),
    health: DeviceHealthSchema,
    obstacles: z
      .array(ObstacleSchema)
      .meta({ description: 'What keeps jobs away from it. None: jobs may be placed on it.' }),
    keepsWaiting: z
      .object({
        jobs: z.int().nonnegative(),
        first: z.array(z.int().positive()).meta({
          description:
            'The numbers of the five that were submitted first; none where users see only what is theirs.',
        }),
      })
      .nullable()
      .meta({
        id: 'KeptWaiting',
        description: 'Jobs in line that could use it, were it not for its obstacles; null: it has none.',
      }),
    xids: z.array(XidReportSchema).meta({ description: 'The last ones, newest first.' }),
    workerRestarts: z.array(RestartSchema).meta({
      description:
        'When its worker had died and was started again: in the last 24 hours, newest first, 20 at most.',
    }),
    sample: DeviceSampleSchema.nullable().meta({
      description: 'The newest sample; null where there is none.',
    }),
  })
  .meta({ id: 'Device', description: 'One schedulable CUDA device: a GPU or a MIG instance.' });
export type Device = z.infer<typeof DeviceSchema>;

export const DriverSchema = z
  .object({
    driverVersion: z.string().nullable().meta({ example: '570.86.15' }),
    cudaVersion: z
      .string()
      .nullable()
      .meta({ description: 'The newest CUDA that the driver runs.', example: '12.8' }),
    simulated: z.boolean(),
    source: z.enum(['nvml', 'cuda']).nullable().meta({
      description:
        'Who told of the devices. `cuda`: NVML is missing, so there are names and sizes, but no samples.',
    }),
    problem: z
      .object({ code: z.string(), detail: z.string(), hint: z.string() })
      .nullable()
      .meta({ description: 'Why there is no driver to ask, or not all of it; null where there is one.' }),
    remarks: z
      .array(z.string())
      .meta({ description: 'What else is to be known of the devices, such as which are masked.' }),
  })
  .meta({ id: 'Driver', description: "NVIDIA's driver as this daemon found it." });
export type Driver = z.infer<typeof DriverSchema>;

export const DeviceListSchema = z
  .object({
    items: z.array(DeviceSchema),
    driver: DriverSchema,
    foreignLimitBytes: BytesSchema.meta({
      description:
        'With more than this of processes that belong to no job, a device is kept from jobs (`foreign_use`); null: with none.',
    }),
    daemonRestarts: z.array(RestartSchema).meta({
      description:
        'Likewise of the daemon itself: when the one before it had been killed, or its host went down.',
    }),
    redisRestarts: z.array(RestartSchema).meta({
      description: "Likewise of Berth's own Redis; none where `redisUrl` names another.",
    }),
    ledgerAgeSeconds: z.number().nonnegative().nullable().meta({
      description:
        'How old it is what is said here of jobs, drains and obstacles, while Redis does not answer; null: it is current.',
    }),
  })
  .meta({ id: 'DeviceList' });
export type DeviceList = z.infer<typeof DeviceListSchema>;

export const DrainRequestSchema = z
  .strictObject({
    reason: z
      .string()
      .min(1)
      .max(500)
      .optional()
      .meta({ description: 'Shown to everybody whose job waits for the device.' }),
  })
  .meta({ id: 'DrainRequest' });
export type DrainRequest = z.infer<typeof DrainRequestSchema>;
