import type { Redis } from 'ioredis';
import type { Logger } from 'pino';
import { RedisUnavailable } from './private-redis.js';

/**
 * Looks whether a Redis that isn't ours can be trusted with jobs.
 * Refuses one that would throw keys away when it is full; warns where a crash would lose what it acknowledged.
 * @throws RedisUnavailable
 */
export async function checkDurability(redis: Redis, log: Logger): Promise<void> {
  const setting = async (name: string): Promise<string | null> => {
    const reply = (await redis.config('GET', name).catch(() => null)) as string[] | null;
    return reply?.[1] ?? null;
  };
  const policy = await setting('maxmemory-policy');
  if (policy !== null && policy !== 'noeviction') {
    throw new RedisUnavailable(
      `this Redis has maxmemory-policy ${policy} and would drop jobs when it is full: set it to noeviction ` +
        '(CONFIG SET maxmemory-policy noeviction, and in its configuration file)',
    );
  }
  if (policy === null)
    log.warn('this Redis does not show its configuration; make sure that it is noeviction and appendonly');
  const appendOnly = await setting('appendonly');
  if (appendOnly === 'no') {
    log.warn('this Redis keeps nothing on disk (appendonly no): its restart would lose all jobs');
  } else if (appendOnly === 'yes' && (await setting('appendfsync')) !== 'always') {
    log.warn(
      'this Redis writes to disk with delay (appendfsync is not always): a crash may lose the last second',
    );
  }
}
