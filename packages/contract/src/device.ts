import { z } from 'zod';
import { JobIdSchema } from './identifiers.js';

const BytesSchema = z.int().nonnegative().nullable();

/** The attempt that a device is given to. */
export const HolderSchema = z
  .object({
    job: JobIdSchema,
    number: z.int().positive(),
    name: z.string(),
    user: z.string(),
    attempt: z.int().positive(),
    since: z.iso.datetime(),
  })
  .meta({ id: 'Holder', description: 'The attempt that holds a device.' });
export type Holder = z.infer<typeof HolderSchema>;

/** What the driver said of a device, and when. A null is a figure that it doesn't give. */
export const DeviceSampleSchema = z
  .object({
    takenAt: z.iso.datetime(),
    ageSeconds: z.number().nonnegative(),
    memoryUsedBytes: BytesSchema,
    memoryFreeBytes: BytesSchema,
    utilisation: z.number().min(0).max(1).nullable(),
    temperatureCelsius: z.number().nullable(),
    powerWatts: z.number().nullable(),
    processes: z.array(z.object({ pid: z.int(), memoryBytes: BytesSchema })).nullable(),
  })
  .meta({ id: 'DeviceSample', description: 'What the driver said of a device, and when.' });

export const DeviceSchema = z
  .object({
    uuid: z.string().meta({ example: 'GPU-3f1c8a52-9d07-4e6b-8f3a-5b21c6d7e890' }),
    index: z.int().nonnegative().meta({ description: 'In PCI order, on its node.' }),
    node: z.string(),
    name: z.string().meta({ example: 'NVIDIA H100 80GB HBM3' }),
    memoryTotalBytes: BytesSchema,
    computeCapability: z.string().nullable().meta({ example: '9.0' }),
    pciAddress: z.string().nullable().meta({ example: '00000000:41:00.0' }),
    simulated: z.boolean(),
    holder: HolderSchema.nullable(),
    sample: DeviceSampleSchema.nullable().meta({
      description: 'The newest sample; null where there is none.',
    }),
  })
  .meta({ id: 'Device', description: 'One schedulable CUDA device.' });
export type Device = z.infer<typeof DeviceSchema>;

export const DriverSchema = z
  .object({
    driverVersion: z.string().nullable().meta({ example: '570.86.15' }),
    cudaVersion: z
      .string()
      .nullable()
      .meta({ description: 'The newest CUDA that the driver runs.', example: '12.8' }),
    simulated: z.boolean(),
    problem: z
      .object({ code: z.string(), detail: z.string(), hint: z.string() })
      .nullable()
      .meta({ description: 'Why there is no driver to ask; null where there is one.' }),
  })
  .meta({ id: 'Driver', description: "NVIDIA's driver as this daemon found it." });
export type Driver = z.infer<typeof DriverSchema>;

export const DeviceListSchema = z
  .object({ items: z.array(DeviceSchema), driver: DriverSchema })
  .meta({ id: 'DeviceList' });
export type DeviceList = z.infer<typeof DeviceListSchema>;
