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

const SourceSchema = z.enum(['print', 'bar', 'dictionary', 'json', 'tensorboard', 'report']).meta({
  id: 'InsightSource',
  description:
    'Where it was read: what training loops print, a progress bar, a dictionary as Hugging Face prints it, a line of JSON, ' +
    'an event file of TensorBoard that the job has open, or what the program reported to BERTH_METRICS_FILE (`berth.report`).',
});

export const ProgressSchema = z
  .object({
    fraction: z.number().min(0).max(1),
    done: z.number(),
    total: z.number(),
    unit: z.enum(['epochs', 'steps']),
    etaSeconds: z
      .number()
      .nullable()
      .meta({ description: 'As the program says, or from its pace; null: there is none.' }),
    source: SourceSchema,
  })
  .meta({ id: 'Progress', description: 'How far a training is, as its output has it.' });
export type Progress = z.infer<typeof ProgressSchema>;

export const SeriesSchema = z
  .object({
    name: z.string().meta({ example: 'loss' }),
    source: SourceSchema,
    axis: z.enum(['step', 'epoch']).meta({ description: 'What `x` counts.' }),
    count: z
      .int()
      .nonnegative()
      .meta({ description: 'How many figures were seen; the points are made of them.' }),
    last: z.number().nullable().meta({ description: 'null: it was no number (NaN or infinite).' }),
    brokenAt: z.number().nullable().meta({ description: 'The x at which it was first no number.' }),
    points: z
      .array(
        z
          .object({
            x: z.number(),
            at: z.iso.datetime().nullable().meta({
              description: 'When its end was said, to within a second; null: not known.',
            }),
            last: FigureSchema,
            min: FigureSchema,
            max: FigureSchema,
          })
          .meta({ id: 'SeriesPoint', description: 'A stretch of a curve: its end, and its extremes.' }),
      )
      .meta({ description: 'In the order of the training.' }),
  })
  .meta({ id: 'Series', description: 'A figure over the course of a training, such as the loss.' });
export type Series = z.infer<typeof SeriesSchema>;

/** What one attempt of a job used of its devices, and what it says of its training. */
export const JobMetricsSchema = z
  .object({
    job: JobIdSchema,
    attempt: z
      .int()
      .positive()
      .nullable()
      .meta({ description: 'Of which attempt; null: there was none yet.' }),
    progress: ProgressSchema.nullable().meta({ description: 'null: its output says nothing of it.' }),
    series: z.array(SeriesSchema).meta({ description: 'The first 64 names.' }),
    droppedSeries: z.int().nonnegative().meta({
      description: 'How many names there were beyond those, of which nothing is kept; counted to 1,000.',
    }),
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
