import { Redis } from 'ioredis';
import type { Logger } from 'pino';

/** Where the ledger's Redis is: the private one's socket, or a server that the configuration names. */
export type RedisAddress = { path: string } | { url: string };

/** After this long without an answer a request of the API is answered with a problem instead. */
const PATIENCE_MS = 5000;

/** A server answers so when it can't do just now what it was asked: it is full, read-only, loading, or its disk fails. */
const NOT_NOW = /^(OOM|READONLY|MISCONF|LOADING|MASTERDOWN|NOREPLICAS|CLUSTERDOWN|TRYAGAIN|BUSY) /;
const LONGEST_PAUSE_MS = 500;
const SAID_AGAIN_AFTER_MS = 10_000;

/** Whether a command failed only because the server can't do it now: the same command may succeed in a moment. */
export function isNotNow(error: Error): boolean {
  return NOT_NOW.test(error.message);
}

/**
 * A connection that reconnects for ever and says once that it is away and once that it is back.
 *
 * `patient` ones keep what they were asked to do until Redis is back: a worker that must write down how a
 * task ended has nothing better to do than to wait, also for a server that is full or read-only. `impatient` ones fail
 * after 5 s, for a person is waiting.
 */
export function connectRedis(
  address: RedisAddress,
  name: string,
  patience: 'patient' | 'impatient',
  log: Logger,
): Redis {
  let refusedAt = 0;
  // ioredis reads a string that begins with a slash as the path of a socket.
  const redis = new Redis('path' in address ? address.path : address.url, {
    connectionName: `berth-${name}`,
    replyMapping: 'legacy',
    maxRetriesPerRequest: null,
    retryStrategy: (times) =>
      Date.now() - refusedAt < LONGEST_PAUSE_MS
        ? LONGEST_PAUSE_MS
        : Math.min(20 * 2 ** Math.min(times, 6), LONGEST_PAUSE_MS),
    ...(patience === 'impatient'
      ? { commandTimeout: PATIENCE_MS }
      : { reconnectOnError: (error) => (askAgain(error) ? 2 : false) }),
  });
  let away = false;
  redis.on('error', (error) => {
    if (!away)
      log.warn({ connection: name, error: (error as Error).message }, 'Redis does not answer; trying again');
    away = true;
  });
  /** To connect anew is how ioredis sends a command again. */
  function askAgain(error: Error): boolean {
    if (!isNotNow(error)) return false;
    if (Date.now() - refusedAt > SAID_AGAIN_AFTER_MS)
      log.warn({ connection: name, error: error.message }, 'Redis refuses for now; trying again');
    refusedAt = Date.now();
    return true;
  }
  redis.on('ready', () => {
    if (away) log.info({ connection: name }, 'Redis answers again');
    away = false;
  });
  return redis;
}
