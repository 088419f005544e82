import fc from 'fast-check';
import type { Schema } from './document.js';

type Named = Record<string, Schema>;
type Keywords = Record<string, unknown> & {
  properties?: Named;
  required?: string[];
  propertyNames?: Schema;
  additionalProperties?: Schema;
  items?: Schema;
  anyOf?: Schema[];
  oneOf?: Schema[];
  allOf?: Schema[];
  examples?: unknown[];
};

/** What schemas are named, and what of a property this very host takes, which no schema knows. */
export interface World {
  schemas: Named;
  fitting: Record<string, fc.Arbitrary<unknown>>;
}

/** Longer ones are rare in life, and tell nothing more. */
const MOST_ENTRIES = 3;

/** What parsers, prototypes, terminals and databases trip over. */
const ODD: fc.Arbitrary<unknown> = fc.oneof(
  fc.constantFrom<unknown>(
    null,
    true,
    false,
    0,
    -1,
    1e308,
    -0.5,
    2 ** 53,
    '',
    ' ',
    '0',
    'null',
    '\0',
    '\ud800',
    '\u001b[2J',
    '<script>',
    '../../etc/passwd',
    '%00',
    '{',
    '__proto__',
    [],
    {},
    [[]],
    { __proto__x: 1 },
    'é'.repeat(300),
    '9'.repeat(400),
    'NaN',
  ),
  fc.constant(JSON.parse('{"__proto__": {"admin": true}, "constructor": {"prototype": {}}}')),
  fc.string({ unit: 'grapheme', maxLength: 40 }),
  fc.jsonValue({ maxDepth: 3 }),
);

/** Values that a JSON schema allows. Not all: where it says little, what people send. */
export function valid(schema: Schema | undefined, world: World): fc.Arbitrary<unknown> {
  if (schema === undefined || typeof schema === 'boolean') return fc.jsonValue({ maxDepth: 1 });
  const said = schema as Keywords;
  const { $ref, type, enum: options } = said;
  const inside = (each: Schema | undefined): fc.Arbitrary<unknown> => valid(each, world);
  if (typeof $ref === 'string') return valid(world.schemas[$ref.split('/').at(-1) as string], world);
  if ('const' in said) return fc.constant(said.const);
  if (Array.isArray(options)) return fc.constantFrom(...options);
  const examples = said.examples ?? ('example' in said ? [said.example] : []);
  if (examples.length > 0) {
    const { examples: _, example: __, ...rest } = said;
    return fc.oneof(
      { weight: 2, arbitrary: fc.constantFrom(...examples) },
      { weight: 1, arbitrary: inside(rest) },
    );
  }
  // Beside properties they say only which of these belong together.
  const choices = said.properties ? undefined : (said.anyOf ?? said.oneOf);
  if (choices) return fc.oneof(...choices.map(inside));
  if (said.allOf) return inside(Object.assign({}, ...said.allOf));
  if (Array.isArray(type)) return fc.oneof(...type.map((each) => inside({ ...said, type: each })));
  switch (type) {
    case 'null':
      return fc.constant(null);
    case 'boolean':
      return fc.boolean();
    case 'integer':
    case 'number':
      return numbers(said);
    case 'string':
      return strings(said);
    case 'array': {
      const minLength = Number(said.minItems ?? 0);
      const maxLength = Math.max(minLength, Math.min(Number(said.maxItems ?? MOST_ENTRIES), MOST_ENTRIES));
      return fc.array(inside(said.items), { minLength, maxLength });
    }
    case 'object':
      return objects(said, inside, world);
    default:
      return fc.jsonValue({ maxDepth: 1 });
  }
}

function numbers(said: Keywords): fc.Arbitrary<number> {
  const { minimum, maximum, exclusiveMinimum, exclusiveMaximum } = said as Record<string, number | undefined>;
  const min = minimum ?? (exclusiveMinimum === undefined ? -1e6 : exclusiveMinimum + 1e-3);
  const max = Math.max(min, maximum ?? exclusiveMaximum ?? 1e6);
  if (said.type === 'integer')
    return fc.integer({ min: Math.ceil(min), max: Math.floor(Math.min(max, 2 ** 31)) });
  return fc.double({ min, max, noNaN: true, noDefaultInfinity: true });
}

function strings({ pattern, format, minLength, maxLength }: Keywords): fc.Arbitrary<string> {
  if (format === 'date-time')
    return fc
      .date({ noInvalidDate: true, min: new Date(0), max: new Date('2100-01-01') })
      .map((date) => date.toISOString());
  if (typeof pattern === 'string') {
    // What looks ahead can't be generated; an odd one is better than none.
    if (pattern.includes('(?')) return fc.string({ maxLength: 20 });
    return fc.stringMatching(new RegExp(pattern)).map((text) => text.slice(0, Number(maxLength ?? 300)));
  }
  const least = Number(minLength ?? 0);
  return fc.string({ minLength: least, maxLength: Math.max(least, Math.min(Number(maxLength ?? 40), 40)) });
}

function objects(
  said: Keywords,
  inside: (schema: Schema | undefined) => fc.Arbitrary<unknown>,
  { fitting }: World,
) {
  const { properties = {}, required = [], propertyNames, additionalProperties } = said;
  const named = Object.fromEntries(
    Object.entries(properties).map(([name, each]) => {
      const fits = fitting[name];
      const any = inside(each);
      return [name, fits ? fc.oneof({ weight: 5, arbitrary: fits }, { weight: 1, arbitrary: any }) : any];
    }),
  );
  const optional = Object.keys(named).filter((name) => !required.includes(name));
  // Mostly few of what may be left out: each more is one more that may not fit this host.
  const few = fc
    .subarray(optional, { maxLength: Math.min(optional.length, MOST_ENTRIES) })
    .chain((chosen) =>
      fc.record(
        Object.fromEntries(
          Object.entries(named).filter(([name]) => required.includes(name) || chosen.includes(name)),
        ),
      ),
    );
  if (additionalProperties === undefined || typeof additionalProperties === 'boolean') return few;
  const key = (
    propertyNames
      ? inside({ type: 'string', ...(propertyNames as object) })
      : fc.string({ minLength: 1, maxLength: 10 })
  ) as fc.Arbitrary<string>;
  return fc
    .tuple(few, fc.dictionary(key, inside(additionalProperties), { maxKeys: MOST_ENTRIES }))
    .map(([one, more]) => ({ ...more, ...one }));
}

/** Values that are nearly right: one thing in them is odd, missing or too much. */
export function spoiled(value: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> {
  return fc
    .tuple(value, fc.array(fc.nat(), { minLength: 1, maxLength: 4 }), ODD)
    .map(([whole, path, odd]) => spoil(whole, path, odd));
}

function spoil(value: unknown, [step = 0, ...path]: number[], odd: unknown): unknown {
  if (typeof value !== 'object' || value === null) return odd;
  const keys = Object.keys(value);
  if (Array.isArray(value)) {
    if (keys.length === 0) return [odd];
    return value.map((each, i) => (i === step % keys.length ? spoil(each, path, odd) : each));
  }
  const kind = step % 5;
  if (kind === 0 || keys.length === 0) return { ...value, unheardOf: odd };
  const key = keys[step % keys.length] as string;
  if (kind === 1) return Object.fromEntries(Object.entries(value).filter(([name]) => name !== key));
  return { ...value, [key]: spoil((value as Record<string, unknown>)[key], path, odd) };
}

export { ODD };
