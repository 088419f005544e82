import { z } from 'zod';

/** The most values of one parameter. */
const MOST_VALUES = 32;

/**
 * A parameter that may be repeated (`state=a&state=b`), or where `commas` say so be a list of its own (`state=a,b`).
 */
export function severalOf<Value extends z.ZodType<string, string>>(
  value: Value,
  { commas = false }: { commas?: boolean } = {},
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
        const { id } = z.globalRegistry.get(value) ?? {};
        const items = id === undefined ? inline : { $ref: `#/components/schemas/${id}` };
        Object.assign(jsonSchema, { type: 'array', items, maxItems: MOST_VALUES });
      },
    });
}
