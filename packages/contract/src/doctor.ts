import { z } from 'zod';

export const FindingSchema = z
  .object({
    id: z.string().meta({ description: 'Stable name of what was looked at.', example: 'pytorch-build' }),
    area: z.enum(['daemon', 'driver', 'devices', 'pytorch', 'redis', 'host']),
    level: z
      .enum(['ok', 'note', 'warning', 'problem'])
      .meta({ description: '`problem`: jobs will fail; `warning`: something may go wrong.' }),
    sentence: z.string().meta({ description: 'What was found, with its figures.' }),
    advice: z.string().nullable().meta({ description: 'What to do; null where nothing is to be done.' }),
  })
  .meta({ id: 'Finding', description: 'One thing that was looked at.' });
export type Finding = z.infer<typeof FindingSchema>;

export const DoctorReportSchema = z
  .object({ at: z.iso.datetime(), node: z.string(), findings: z.array(FindingSchema) })
  .meta({ id: 'DoctorReport', description: 'What a person would check by hand.' });
export type DoctorReport = z.infer<typeof DoctorReportSchema>;
