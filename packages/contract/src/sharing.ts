import { z } from 'zod';
import { BytesInputSchema } from './units.js';

/** The most jobs that may share a device by slots. */
const MOST_SLOTS = 64;

export const SharingInputSchema = z
  .strictObject({
    memory: z
      .union([
        z.literal('auto'),
        BytesInputSchema.pipe(z.number().positive('a job without memory does nothing')),
      ])
      .optional()
      .meta({
        description:
          'How much of the device’s memory it needs, with what CUDA takes itself. `auto`: the peak of earlier runs of the same ' +
          'name and user, and a margin.',
        examples: ['10GiB', 'auto'],
      }),
    slots: z
      .int()
      .min(2, 'one slot is the whole device; leave sharing out for that')
      .max(MOST_SLOTS)
      .optional()
      .meta({ description: 'Into how many equal slots the device is divided; it needs one of them.' }),
  })
  .superRefine(({ memory, slots }, context) => {
    if ((memory === undefined) === (slots === undefined)) {
      const message = memory === undefined ? 'give memory or slots' : 'give memory or slots, not both';
      context.addIssue({ code: 'custom', path: ['memory'], message });
    }
  })
  .meta({
    id: 'SharingInput',
    description:
      'The part of one device that is enough for the job. Jobs that share are put beside each other; never beside one that has ' +
      'the device to itself. Give `memory` or `slots`, exactly one of them.',
    oneOf: [{ required: ['memory'] }, { required: ['slots'] }],
  });

export const SharingSchema = z
  .object({
    memoryBytes: z.int().nullable().meta({ description: 'What it declared; null: it asked for a slot.' }),
    slots: z.int().nullable(),
    proposedFrom: z
      .array(z.int().positive())
      .nullable()
      .meta({ description: 'Asked for as `auto`: the numbers of the runs whose peak it was taken from.' }),
  })
  .meta({ id: 'Sharing', description: 'The part of a device that a job declared to need.' });
export type Sharing = z.infer<typeof SharingSchema>;
