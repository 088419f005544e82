import { z } from 'zod';

/** The most values of one parameter. */
const MOST_VALUES = 32;

/**
 * A parameter that may be repeated (`state=a&state=b`), or where `commas` say so be a list of its own (`state=a,b`).
 * @param options.items the values' schema in the document, where it has a name there
 */
export function severalOf<Value extends z.ZodType<string, string>>(
  value: Value,
  { commas = false, items }: { commas?: boolean; items?: object } = {},
) {
  return z
    .union([z.string(), z.array(z.string())])
    .transform((given) => [given].flat().flatMap((text) => (commas ? text.split(',') : text)))
    .pipe(z.array(value).max(MOST_VALUES, `at most ${MOST_VALUES} values`))
    .optional()
    .meta({
      override: ({ jsonSchema }) => {
        for (const key of Object.keys(jsonSchema)) {
          if (key !== 'description' && key !== 'example' && key !== 'examples')
            delete (jsonSchema as Record<string, unknown>)[key];
        }
        const { $schema: _, ...inline } = z.toJSONSchema(value, { io: 'input' });
        Object.assign(jsonSchema, { type: 'array', items: items ?? inline, maxItems: MOST_VALUES });
      },
    });
}
