import { existsSync } from 'node:fs';
import { tryLock } from '@berth/task-shim';
import type { Logger } from 'pino';
import type { Config } from './config.js';
import { ConfigError } from './config-reading.js';
import { dataDirectory, liveTasks } from './data-directory.js';
import { knownIdentity } from './ledger/identity.js';
import { schemaOf } from './ledger/schema.js';
import { loadScripts } from './ledger/scripts.js';
import { verifyLedger } from './ledger/verification.js';
import { connectRedis } from './redis/connection.js';
import { PrivateRedis } from './redis/private-redis.js';

/**
 * `berthd --verify`: compares the ledger with its indexes, beside a daemon or without one.
 * @param repair whether to put right what can be
 * @param print is given a line for each thing that is off
 * @returns how many of them are left
 * @throws ConfigError (there is no such data directory), RedisUnavailable, WrongLedger, LedgerTooNew
 */
export async function verifyAlone(
  { dataDir, redisUrl }: Config,
  repair: boolean,
  print: (line: string) => void,
  log: Logger,
): Promise<{ found: number; left: number }> {
  const directory = dataDirectory(dataDir);
  if (!existsSync(directory.jobs))
    throw new ConfigError(`--data-dir ${dataDir}: no daemon has run there, so there is no ledger to verify`);
  // While we have it no daemon begins, which would lose the Redis that we end.
  const lock = redisUrl ? null : tryLock(directory.daemonLock);
  const privateRedis = redisUrl ? null : await PrivateRedis.open(dataDir, log);
  const redis = connectRedis(privateRedis?.address ?? { url: redisUrl as string }, 'verify', 'patient', log);
  let [found, left] = [0, 0];
  try {
    await knownIdentity(redis, directory.ledgerIdentity, liveTasks(directory).length);
    await schemaOf(redis);
    for await (const { subject, sentence, repaired } of verifyLedger(redis, loadScripts(redis), repair)) {
      print(`${subject} ${sentence}${repaired ? ': put right' : ''}`);
      found += 1;
      if (!repaired) left += 1;
    }
  } finally {
    redis.disconnect();
    await privateRedis?.leave();
    lock?.release();
  }
  return { found, left };
}
