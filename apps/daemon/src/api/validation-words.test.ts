import { JobSubmissionSchema } from '@berth/contract';
import { beforeAll, expect, it } from 'vitest';
import { z } from 'zod';
import { wordsFor } from './validation-words.js';

beforeAll(() => {
  z.config({ localeError: wordsFor });
});

const Query = z.strictObject({ limit: z.coerce.number().int().min(1).max(1000) });

it.each<[z.ZodType, unknown, string]>([
  [Query, { limit: 'many' }, 'expected a number'],
  [Query, { limit: '0' }, 'must be at least 1'],
  [Query, { limit: '2000' }, 'must be at most 1000'],
  [JobSubmissionSchema, { command: ['x'], priority: 'high' }, 'expected a number, not a text'],
  [JobSubmissionSchema, { command: ['x'], gpus: 1.5 }, 'expected a whole number, not 1.5'],
  [JobSubmissionSchema, { command: ['x'], hold: null }, 'expected true or false, not null'],
  [JobSubmissionSchema, { command: ['x'], name: 'n'.repeat(300) }, 'must be at most 200 characters'],
  [JobSubmissionSchema, { command: ['x'], launch: 'twice' }, 'expected one of "single", "perDevice"'],
  [
    JobSubmissionSchema,
    { command: ['x'], startAfter: 'soon' },
    'is no time: write 2026-11-22T02:00:00Z, or how long from now, such as 8h',
  ],
  [JobSubmissionSchema, { command: ['x'], retry: {} }, 'is missing: expected a number'],
  [
    JobSubmissionSchema,
    { command: ['x'], after: [true] },
    'expected a number, not true or false; or expected a text, not true or false; or expected an object, not true or false',
  ],
])('%# says what is expected, in plain words', (schema, value, words) => {
  expect(schema.safeParse(value).error?.issues.map(({ message }) => message)).toEqual([words]);
});
