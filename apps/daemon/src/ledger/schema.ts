import type { Redis } from 'ioredis';
import type { Logger } from 'pino';
import { KEYS } from './keys.js';
import { loadScripts, type RunScript } from './scripts.js';
import { verifyLedger } from './verification.js';

/** The ledger was written by a newer version; the message says what to do. */
export class LedgerTooNew extends Error {
  override readonly name = 'LedgerTooNew';
}

type Migration = (redis: Redis, run: RunScript) => Promise<void>;

/**
 * How a ledger of each version becomes one of the next. They may be cut short and begun again, and workers of the older version may be
 * at work meanwhile. New fields that have a default need none (ledger/record.ts).
 */
const MIGRATIONS: Record<number, Migration> = {
  // The first ledgers carried no version. Some of their jobs are missing in indexes that came later: of ended jobs, of stays.
  1: async (redis, run) => {
    for await (const _ of verifyLedger(redis, run, true));
  },
};

/** What this version writes. */
export const SCHEMA_VERSION = Math.max(...Object.keys(MIGRATIONS).map(Number)) + 1;

/**
 * The version of what a ledger holds; null: it holds nothing yet.
 * @throws LedgerTooNew
 */
export async function schemaOf(redis: Redis): Promise<number | null> {
  const said = await redis.get(KEYS.schema);
  const isFresh = (await redis.exists(KEYS.number, KEYS.users, KEYS.schedules)) === 0;
  if (said === null) return isFresh ? null : 1;
  const version = Number(said);
  if (version > SCHEMA_VERSION) {
    throw new LedgerTooNew(
      `this ledger was written by a newer Berth (its schema is ${version}, this one reads ${SCHEMA_VERSION}): start that version again, ` +
        'or begin an empty data directory with this one',
    );
  }
  return version;
}

/**
 * Brings the ledger up to this version, before anybody reads it.
 * @throws LedgerTooNew
 */
export async function openSchema(redis: Redis, log: Logger): Promise<void> {
  const version = await schemaOf(redis);
  if (version === null) await redis.set(KEYS.schema, SCHEMA_VERSION);
  const run = loadScripts(redis);
  for (let from = version ?? SCHEMA_VERSION; from < SCHEMA_VERSION; from += 1) {
    log.info({ from, to: from + 1 }, 'the ledger is brought up to date');
    await MIGRATIONS[from]?.(redis, run);
    await redis.set(KEYS.schema, from + 1);
  }
}
