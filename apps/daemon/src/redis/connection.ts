import { Redis } from 'ioredis';
import type { Logger } from 'pino';

/** Where the ledger's Redis is: the private one's socket, or a server that the configuration names. */
export type RedisAddress = { path: string } | { url: string };

/** After this long without an answer a request of the API is answered with a problem instead. */
const PATIENCE_MS = 5000;

/**
 * A connection that reconnects for ever and says once that it is away and once that it is back.
 *
 * `patient` ones keep what they were asked to do until Redis is back: a worker that must write down how a
 * task ended has nothing better to do than to wait. `impatient` ones fail after 5 s, for a person is waiting.
 */
export function connectRedis(
  address: RedisAddress,
  name: string,
  patience: 'patient' | 'impatient',
  log: Logger,
): Redis {
  // ioredis reads a string that begins with a slash as the path of a socket.
  const redis = new Redis('path' in address ? address.path : address.url, {
    connectionName: `berth-${name}`,
    replyMapping: 'legacy',
    maxRetriesPerRequest: null,
    retryStrategy: (times) => Math.min(20 * 2 ** Math.min(times, 6), 500),
    ...(patience === 'impatient' ? { commandTimeout: PATIENCE_MS } : {}),
  });
  let away = false;
  redis.on('error', (error) => {
    if (!away)
      log.warn({ connection: name, error: (error as Error).message }, 'Redis does not answer; trying again');
    away = true;
  });
  redis.on('ready', () => {
    if (away) log.info({ connection: name }, 'Redis answers again');
    away = false;
  });
  return redis;
}
