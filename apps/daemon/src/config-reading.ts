import { readFileSync } from 'node:fs';
import { parse as parseYaml } from 'yaml';
import { type Config, ConfigSchema } from './config.js';

/** A setting is wrong; the message names it, where it came from, and what would be right. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

/** The settings that have a flag of their own. */
export const FLAGS: readonly (keyof Config)[] = [
  'dataDir',
  'listen',
  'visibility',
  'redisUrl',
  'simulate',
  'node',
  'logLevel',
];

/** The settings that have a variable of their own. */
export const ENVIRONMENT: Record<string, keyof Config> = {
  BERTH_DATA_DIR: 'dataDir',
  BERTH_LISTEN: 'listen',
  BERTH_INSECURE_LISTEN: 'insecureListen',
  BERTH_ROOT_JOBS: 'rootJobs',
  BERTH_REDIS_URL: 'redisUrl',
  BERTH_SIMULATE: 'simulate',
  BERTH_NODE: 'node',
  BERTH_LOG_LEVEL: 'logLevel',
};

/** The settings as they hold, and where those came from that aren't defaults. */
export interface Settings {
  config: Config;
  origins: ReadonlyMap<string, string>;
}

type Flags = Partial<Record<keyof Config, string>> & { config?: string };

/**
 * Reads the configuration: flags before environment before file before defaults.
 * @throws ConfigError that names every bad setting at once
 */
export function readSettings(flags: Flags, environment: NodeJS.ProcessEnv): Settings {
  const origins = new Map<string, string>();
  const settings: Record<string, unknown> = {};
  const take = (from: Record<string, unknown>, origin: (key: string) => string): void => {
    for (const [key, value] of Object.entries(from)) {
      if (value === undefined) continue;
      settings[key] = value;
      origins.set(key, origin(key));
    }
  };

  const file = flags.config ?? environment.BERTH_CONFIG;
  if (file) take(readFile(file), (key) => `${key} in ${file}`);
  for (const [name, key] of Object.entries(ENVIRONMENT))
    take({ [key]: environment[name] || undefined }, () => name);
  const { config: _, ...rest } = flags;
  take(rest, flagOf);

  const result = ConfigSchema.safeParse(settings);
  if (result.success) return { config: result.data, origins };
  const problems = result.error.issues.map((issue) => {
    if (issue.code === 'unrecognized_keys') {
      const place = issue.path.map(String);
      const keys = issue.keys.map((key) => [...place, key].join(' → ')).join(', ');
      return `${keys} in ${file}: no such setting${knownAt(place)}`;
    }
    const [key, ...inside] = issue.path.map(String) as [string, ...string[]];
    return `${[origins.get(key) ?? key, ...inside].join(' → ')}: ${issue.message}`;
  });
  throw new ConfigError(problems.join('\n'));
}

function knownAt([section, ...inside]: readonly string[]): string {
  const { shape } = ConfigSchema;
  const names =
    section === undefined
      ? Object.keys(shape)
      : section === 'retention'
        ? Object.keys(ConfigSchema.parse({}).retention)
        : [];
  return names.length > 0 && inside.length === 0 ? ` (there are ${names.join(', ')})` : '';
}

/** How a setting is spelt as a flag. */
export function flagOf(key: string): string {
  return `--${key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

function readFile(file: string): Record<string, unknown> {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new ConfigError(`the configuration file can't be read: ${(error as Error).message}`);
  }
  let content: unknown;
  try {
    content = parseYaml(text) ?? {};
  } catch (error) {
    throw new ConfigError(`${file} is no YAML: ${(error as Error).message}`);
  }
  if (typeof content !== 'object' || Array.isArray(content)) {
    throw new ConfigError(`${file} must hold settings, one "name: value" a line`);
  }
  return content as Record<string, unknown>;
}
