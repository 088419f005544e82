import type { Finding, Restart } from '@berth/contract';
import type { Redis } from 'ioredis';
import { findingsOf } from './finding.js';
import { restartWords } from './restarts.js';

const { ok, note, warning, problem } = findingsOf('redis');

const OLDEST_VERSION = [6, 2] as const;

/** What a Redis says of itself; a setting is null where it doesn't show it. */
export interface RedisFacts {
  version: string | null;
  appendOnly: string | null;
  appendFsync: string | null;
  maxmemoryPolicy: string | null;
  lastWriteOk: boolean;
  usedMemory: string | null;
}

/** @throws where it gives no answer */
export async function examineRedis(redis: Redis): Promise<RedisFacts> {
  const info = await redis.info();
  const line = (name: string): string | null =>
    new RegExp(`^${name}:(.*)$`, 'm').exec(info)?.[1]?.trim() ?? null;
  const setting = async (name: string): Promise<string | null> => {
    const reply = (await redis.config('GET', name).catch(() => null)) as string[] | null;
    return reply?.[1] ?? null;
  };
  return {
    version: line('valkey_version') ?? line('redis_version'),
    appendOnly: await setting('appendonly'),
    appendFsync: await setting('appendfsync'),
    maxmemoryPolicy: await setting('maxmemory-policy'),
    lastWriteOk: line('aof_last_write_status') !== 'err',
    usedMemory: line('used_memory_human'),
  };
}

/** Where no Redis is named and none runs yet. @param program what Berth would start; null: nothing is there */
export function judgeRedisProgram(program: string | null): Finding[] {
  return program
    ? [ok('redis', `${program} is there, for Berth's own Redis`)]
    : [
        problem(
          'redis',
          'there is no Redis server here for Berth to start',
          'Install one (Debian: apt-get install redis-tools; Fedora: dnf install valkey), or name one with --redis-url',
        ),
      ];
}

/**
 * @param facts null: it gave no answer
 * @param trouble what the daemon knows to be wrong with the ledger in it; null: nothing
 * @param restarts lately, newest first
 */
export function judgeRedis(
  facts: RedisFacts | null,
  isPrivate: boolean,
  trouble: string | null = null,
  restarts: readonly Restart[] = [],
): Finding[] {
  const whose = isPrivate ? "Berth's own, on a private socket" : 'the one that redisUrl names';
  const restarted = restartWords(restarts);
  const died = restarted === null ? [] : [warning('redis-restarts', restarted)];
  if (!facts) {
    const advice = isPrivate
      ? 'Running jobs go on. What it says of itself is in redis/redis.log of the data directory'
      : 'Running jobs go on. See whether it runs, and is to be reached from here';
    return [problem('redis', `${trouble ?? 'Redis does not answer'} (${whose})`, advice), ...died];
  }
  const findings = [
    ok('redis', `Redis ${facts.version ?? ''} answers (${whose}; ${facts.usedMemory ?? '?'} used)`),
    ...died,
  ];
  if (trouble !== null)
    findings.push(problem('ledger', trouble, 'Running jobs go on; nothing is scheduled or taken meanwhile'));
  const { version, appendOnly, appendFsync, maxmemoryPolicy } = facts;
  if (version !== null && isOlder(version, OLDEST_VERSION))
    findings.push(
      warning(
        'redis-version',
        `Redis ${version} is older than ${OLDEST_VERSION.join('.')}, from which on BullMQ, the queue that hands jobs over, recommends it`,
        'Upgrade Redis, or take Valkey',
      ),
    );
  if (!facts.lastWriteOk)
    findings.push(
      problem(
        'redis-disk',
        'Redis could not write to disk the last time',
        'See whether the disk is full (df), and what the log of Redis says',
      ),
    );
  if (appendOnly === null)
    findings.push(
      note(
        'redis-durability',
        "Redis doesn't show its settings, so whether it keeps what it acknowledges is not known",
        'It should have appendonly yes, appendfsync always and maxmemory-policy noeviction',
      ),
    );
  else if (appendOnly !== 'yes')
    findings.push(
      problem(
        'redis-durability',
        'Redis keeps nothing on disk: its restart would lose all jobs',
        'Set appendonly yes and appendfsync always',
      ),
    );
  else if (appendFsync !== 'always')
    findings.push(
      warning(
        'redis-durability',
        `Redis writes to disk with delay (appendfsync ${appendFsync}): a crash may lose the last second`,
        'Set appendfsync always',
      ),
    );
  else
    findings.push(
      ok(
        'redis-durability',
        'every job is on disk before it is acknowledged (appendonly, appendfsync always)',
      ),
    );
  if (maxmemoryPolicy !== null && maxmemoryPolicy !== 'noeviction')
    findings.push(
      problem(
        'redis-eviction',
        `Redis drops keys when it is full (maxmemory-policy ${maxmemoryPolicy})`,
        'Set maxmemory-policy noeviction',
      ),
    );
  return findings;
}

function isOlder(version: string, [major, minor]: typeof OLDEST_VERSION): boolean {
  const [ofMajor = 0, ofMinor = 0] = version.split('.').map(Number);
  return ofMajor < major || (ofMajor === major && ofMinor < minor);
}
