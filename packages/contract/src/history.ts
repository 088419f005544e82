import { z } from 'zod';
import { JobIdSchema } from './identifiers.js';

const FigureSchema = z.number().nullable();

/** One step of a device's past: averages over the step, and the most of its memory. */
export const HistoryPointSchema = z
  .object({
    at: z.iso.datetime().meta({ description: 'When the step began.' }),
    memoryUsedBytes: FigureSchema.meta({ description: 'The most within the step.' }),
    utilisation: FigureSchema,
    powerWatts: FigureSchema,
    temperatureCelsius: FigureSchema,
  })
  .meta({ id: 'HistoryPoint' });
export type HistoryPoint = z.infer<typeof HistoryPointSchema>;

export const DeviceHistorySchema = z
  .object({
    device: z.string(),
    stepSeconds: z.number().positive(),
    points: z
      .array(HistoryPointSchema)
      .meta({ description: 'Oldest first. Where nothing was seen there is none.' }),
  })
  .meta({ id: 'DeviceHistory' });
export type DeviceHistory = z.infer<typeof DeviceHistorySchema>;

/** What one attempt of a job used of its devices. */
export const JobMetricsSchema = z
  .object({
    job: JobIdSchema,
    attempt: z.int().positive().nullable().meta({ description: 'The attempt that was watched last.' }),
    devices: z.array(
      DeviceHistorySchema.extend({
        index: z.int().nonnegative(),
        peakMemoryBytes: FigureSchema.meta({ description: "The most that the job's own processes had." }),
      }).meta({
        id: 'JobDeviceHistory',
        description:
          "`memoryUsedBytes` is what the job's own processes had; utilisation, power and temperature are the device's.",
      }),
    ),
  })
  .meta({ id: 'JobMetrics' });
export type JobMetrics = z.infer<typeof JobMetricsSchema>;
