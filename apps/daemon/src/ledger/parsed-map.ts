import type { z } from 'zod';
import { type DamagedKind, DamagedRecord, type Damages, issueIn } from './damage.js';

/** What a hash of JSON texts holds that can be read; `damages` is told of the rest. */
export function parsedMap<Value>(
  hash: Record<string, string>,
  schema: z.ZodType<Value>,
  { damages, kind }: { damages: Damages; kind: DamagedKind },
): Map<string, Value> {
  const parsed = new Map<string, Value>();
  for (const [field, json] of Object.entries(hash)) {
    const found = valueIn<Value>(json, schema);
    if (typeof found === 'string') damages.note(new DamagedRecord(kind, field, found));
    else {
      damages.settle(kind, field);
      parsed.set(field, found.value);
    }
  }
  return parsed;
}

/** The value, or why there is none. */
function valueIn<Value>(json: string, schema: z.ZodType<Value>): { value: Value } | string {
  try {
    const value: unknown = JSON.parse(json);
    return issueIn(schema, value) ?? { value: value as Value };
  } catch (error) {
    return (error as Error).message;
  }
}
