import { z } from 'zod';
import { type Config, ConfigSchema } from './config.js';
import { ENVIRONMENT, FLAGS, flagOf } from './config-reading.js';

interface Property {
  description?: string;
  default?: unknown;
  'x-default'?: string;
  properties?: Record<string, Property>;
}

/** The schema of the configuration file, for editors. The same on every host. */
export function configJsonSchema(): Record<string, unknown> {
  const { $schema, ...schema } = z.toJSONSchema(ConfigSchema, {
    io: 'input',
    target: 'draft-7',
    override: ({ jsonSchema }) => {
      // Such a default is another one on another host.
      if ('x-default' in jsonSchema) delete jsonSchema.default;
    },
  });
  return { $schema, ...schema };
}

/** One row of Markdown for each setting: how it is spelt, its default, what it does. */
export function settingsTable(): string {
  const variables = new Map(Object.entries(ENVIRONMENT).map(([name, key]) => [key as string, name]));
  const { properties } = configJsonSchema() as { properties: Record<string, Property> };
  const defaults = ConfigSchema.parse({}) as Record<string, unknown>;
  const rows = Object.entries(properties).flatMap(([name, property]) => rowsOf(name, property));
  const lines = rows.map(({ name, property }) => {
    const variable = variables.get(name);
    const flag = FLAGS.includes(name as keyof Config) ? [flagOf(name)] : [];
    const spelt = [name, ...flag, ...(variable ? [variable] : [])].map((text) => `\`${text}\``).join('<br>');
    return `| ${spelt} | ${cell(defaultOf(property, defaults[name]))} | ${cell(property.description ?? '')} |`;
  });
  return ['| setting, flag, variable | default | what it does |', '| --- | --- | --- |', ...lines].join('\n');
}

/** A section's settings, each by itself. */
function rowsOf(name: string, property: Property): { name: string; property: Property }[] {
  if (!property.properties) return [{ name, property }];
  return Object.entries(property.properties).flatMap(([inside, its]) => rowsOf(`${name}.${inside}`, its));
}

/** @param parsed what holds where nothing is set: the schema of a preprocessed setting doesn't say its default */
function defaultOf(property: Property, parsed: unknown): string {
  if (property['x-default'] !== undefined) return property['x-default'];
  const value = property.default ?? parsed;
  if (value === undefined) return 'none';
  return `\`${typeof value === 'string' ? value : JSON.stringify(value)}\``;
}

const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ');
