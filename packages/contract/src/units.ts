import { z } from 'zod';
import { formatDuration, parseBytes, parseDuration } from './quantities.js';

export * from './quantities.js';

function quantity(parse: (text: string) => number) {
  return (text: string, context: z.RefinementCtx): number => {
    try {
      return parse(text);
    } catch (error) {
      context.addIssue({ code: 'custom', message: (error as Error).message });
      return z.NEVER;
    }
  };
}

const SIZE_UNITS = 'B, KB, MB, GB, TB (powers of 1000), KiB, MiB, GiB, TiB (powers of 1024)';
const DURATION_UNITS = 's, m, h, d';

const SizeTextSchema = z.string().meta({
  id: 'SizeText',
  description: `A number and a unit, in whatever case: ${SIZE_UNITS}. Without a unit: bytes.`,
  examples: ['40GiB', '500 MB'],
});

const DurationTextSchema = z.string().meta({
  id: 'DurationText',
  description: `Numbers with units (${DURATION_UNITS}), or as Slurm writes it: \`[days-]hours:minutes:seconds\`. A number alone: seconds.`,
  examples: ['2h', '1h30m', '1-12:00:00'],
});

/** Bytes in a request: a whole number, or text with a unit. Always a number of bytes afterwards. */
export const BytesInputSchema = z
  .union([z.int().nonnegative(), SizeTextSchema.transform(quantity(parseBytes))], {
    error: `expected a size: a whole number of bytes, or text such as "40GiB"; units: ${SIZE_UNITS}`,
  })
  .meta({ description: 'Bytes: a whole number, or text with a unit.', examples: ['40GiB', 1_073_741_824] });

interface DurationBounds {
  /** Seconds. */
  min?: number;
  max?: number;
  /** Whether 0 is too short, however short it may be. */
  positive?: boolean;
}

/** Seconds in a request, within bounds that the document tells: a number, or text with units. Always a number of seconds afterwards. */
export function durationInput({ min = 0, max, positive = false }: DurationBounds = {}) {
  const least = positive
    ? z.number().positive('must be longer than 0 s')
    : z.number().min(min, `must be at least ${min} s`);
  const seconds = max === undefined ? least : least.max(max, `must be at most ${formatDuration(max)}`);
  return z
    .union([seconds, DurationTextSchema.transform(quantity(parseDuration)).pipe(seconds)], {
      error: `expected a duration: a number of seconds, or text such as "2h", "1h30m" or "1-12:00:00"; units: ${DURATION_UNITS}`,
    })
    .meta({ description: 'Seconds: a number, or text with units.', examples: ['2h', 90] });
}

export const DurationInputSchema = durationInput();
