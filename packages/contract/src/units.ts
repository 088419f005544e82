import { z } from 'zod';

import { parseBytes, parseDuration } from './quantities.js';

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

/** Bytes in a request: a whole number, or text with a unit. Always a number of bytes afterwards. */
export const BytesInputSchema = z
  .union([z.int().nonnegative(), z.string().transform(quantity(parseBytes))], {
    error: 'expected a size: a whole number of bytes, or text such as "40GiB"',
  })
  .meta({ description: 'Bytes: a whole number, or text with a unit.', examples: ['40GiB', 1_073_741_824] });

/** Seconds in a request: a number, or text with units. Always a number of seconds afterwards. */
export const DurationInputSchema = z
  .union([z.number().nonnegative(), z.string().transform(quantity(parseDuration))], {
    error: 'expected a duration: a number of seconds, or text such as "2h"',
  })
  .meta({ description: 'Seconds: a number, or text with units.', examples: ['2h', 90] });
