import { randomUUID } from 'node:crypto';
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import type { Logger } from 'pino';
import { KEYS } from './keys.js';

const LOOK_EVERY_MS = 1000;

/** Redis doesn't hold the ledger that is meant; the message says what it holds instead, and what to do. */
export class WrongLedger extends Error {
  override readonly name = 'WrongLedger';
}

/**
 * Which ledger a data directory belongs to: a name that the ledger has had since it began and the directory remembers.
 * A Redis that was emptied, or exchanged, doesn't have it; to start afresh there would give devices away on which tasks run.
 * @param file where the directory remembers it
 * @param liveTasks how many tasks of the directory run now
 * @throws WrongLedger
 */
export async function openIdentity(redis: Redis, file: string, liveTasks: number): Promise<string> {
  const known = await knownIdentity(redis, file, liveTasks);
  if (known) return known;
  // Ledgers of older versions have no name yet, but jobs.
  if (liveTasks > 0 && !(await redis.exists(KEYS.jobs)))
    throw new WrongLedger(
      `${liveTasks} tasks of this data directory still run, and Redis knows of no job: bring its data back, or end those tasks first`,
    );
  await redis.setnx(KEYS.identity, randomUUID());
  const identity = (await redis.get(KEYS.identity)) as string;
  writeFileSync(`${file}.new`, `${identity}\n`, { mode: 0o600 });
  renameSync(`${file}.new`, file);
  return identity;
}

/**
 * The name of the ledger that a data directory remembers, which is the one that Redis holds; null: it remembers none.
 * @throws WrongLedger
 */
export async function knownIdentity(redis: Redis, file: string, liveTasks: number): Promise<string | null> {
  const known = existsSync(file) ? readFileSync(file, 'utf8').trim() : null;
  const problem = whatIsWrong(known, await redis.get(KEYS.identity), file, liveTasks);
  if (problem) throw new WrongLedger(problem);
  return known;
}

/** What to say where Redis doesn't hold the ledger that is known here; null: it does. */
export function whatIsWrong(
  known: string | null,
  found: string | null,
  file: string,
  liveTasks: number,
): string | null {
  if (known === null || known === found) return null;
  const tasks = liveTasks > 0 ? ` ${liveTasks} of its tasks still ${liveTasks === 1 ? 'runs' : 'run'}.` : '';
  return found === null
    ? `Redis holds nothing of this ledger any more: it was emptied, or its files are gone.${tasks} Bring its data back from a ` +
        `backup. To give up all that it knew, end what runs and remove ${file}`
    : `Redis holds another ledger than the one of this data directory.${tasks} Name the right Redis, or use another data ` +
        `directory. To give up all that the old one knew, end what runs and remove ${file}`;
}

/** Resolves once Redis holds this very ledger. */
export async function rightLedger(redis: Redis, identity: string, log: Logger): Promise<void> {
  for (let isSaid = false; (await redis.get(KEYS.identity)) !== identity; await sleep(LOOK_EVERY_MS)) {
    if (!isSaid) log.error('Redis does not hold the ledger of this data directory; waiting for it');
    isSaid = true;
  }
}
