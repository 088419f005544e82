/** A field of the form, out of the schema of submissions. */
export interface Field {
  /** Where its value goes in a submission: `gpus`, `retry.limit`. */
  path: string;
  kind: FieldKind;
  description: string;
  /** What may be chosen. */
  choices: string[];
  /** What it is if nothing is said, as text; empty: the schema doesn't say. */
  initial: string;
  example: string;
}

/**
 * How a text becomes a value: `words` as a shell reads them, `list` by commas, `numbers` likewise, `pairs` a NAME=VALUE on each line,
 * `yes` from "true", `json` as it is.
 */
export type FieldKind =
  | 'text'
  | 'lines'
  | 'number'
  | 'choice'
  | 'yes'
  | 'words'
  | 'list'
  | 'numbers'
  | 'pairs'
  | 'json';

/** What is used of JSON Schema. */
export interface Schema {
  $ref?: string;
  $defs?: Record<string, Schema>;
  type?: string;
  enum?: string[];
  const?: unknown;
  anyOf?: Schema[];
  items?: Schema;
  properties?: Record<string, Schema>;
  additionalProperties?: unknown;
  description?: string;
  default?: unknown;
  examples?: unknown[];
}

/** What a kind can't be told by: a command is typed as one line, a script as many. */
const KINDS: Record<string, FieldKind> = { command: 'words', script: 'lines' };

/** The fields of a schema of an object, those of the objects in it too. */
export function fieldsOf(root: Schema): Field[] {
  const resolved = (schema: Schema): Schema => {
    if (!schema.$ref) return schema;
    const { $ref, ...said } = schema;
    return { ...resolved(root.$defs?.[$ref.split('/').at(-1) as string] ?? {}), ...said };
  };
  const fields = (schema: Schema, prefix: string): Field[] =>
    Object.entries(resolved(schema).properties ?? {}).flatMap(([name, unresolved]) => {
      const each = resolved(unresolved);
      const path = prefix + name;
      return each.properties ? fields(each, `${path}.`) : [fieldOf(path, each, resolved)];
    });
  return fields(root, '');
}

function fieldOf(path: string, schema: Schema, resolved: (schema: Schema) => Schema): Field {
  const variants = variantsOf(schema, resolved);
  const choices = variants.flatMap((each) => each.enum ?? []);
  const [example] = schema.examples ?? [];
  return {
    path,
    kind: KINDS[path] ?? kindOf(variants, resolved),
    description: schema.description ?? '',
    choices,
    initial: isPlain(schema.default) ? String(schema.default) : '',
    example: isPlain(example) ? String(example) : '',
  };
}

/** All that a value may be; without null, which a form says by leaving it out. */
function variantsOf(schema: Schema, resolved: (schema: Schema) => Schema): Schema[] {
  const whole = resolved(schema);
  if (!whole.anyOf) return whole.type === 'null' ? [] : [whole];
  return whole.anyOf.flatMap((each) => variantsOf(each, resolved));
}

function kindOf(variants: readonly Schema[], resolved: (schema: Schema) => Schema): FieldKind {
  const has = (type: string): boolean => variants.some((each) => each.type === type);
  if (variants.every((each) => each.enum)) return 'choice';
  if (has('string')) return 'text';
  if (has('number') || has('integer')) return 'number';
  if (has('boolean')) return 'yes';
  if (has('object')) return 'pairs';
  const items = variantsOf(variants[0]?.items ?? {}, resolved);
  if (items.some((each) => each.type === 'string')) return 'list';
  return items.every((each) => each.type === 'integer') ? 'numbers' : 'json';
}

const isPlain = (value: unknown): boolean => ['string', 'number', 'boolean'].includes(typeof value);
