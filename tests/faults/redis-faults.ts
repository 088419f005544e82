import { appendFileSync, readdirSync, readFileSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import { type Fault, NOT_REACHED, REACHED, signalled } from './fault.js';

/** Something is asked of the server, and after a while the opposite. */
const passing = (
  name: string,
  begin: (redis: Redis) => Promise<unknown>,
  end?: (redis: Redis) => Promise<unknown>,
): Fault => ({
  name,
  inject: async ({ host, random }) => {
    const isDone = await host.redis(begin).then(
      () => true,
      () => false,
    );
    await sleep(random.between(50, 800));
    return {
      wasReached: () => isDone,
      takeBack: async () => void (end && (await host.redis(end).catch(() => undefined))),
    };
  },
});

/** The machine dies while Redis writes: behind all that was acknowledged stands half a command. */
const tornWrite: Fault = {
  name: 'redis dies while it writes',
  inject: async ({ host }) => {
    const pid = host.redisPid();
    if (pid === null) return NOT_REACHED;
    process.kill(pid, 'SIGSTOP');
    const folder = join(host.daemon.dataDirectory, 'redis/appendonlydir');
    const file = readdirSync(folder).find((name) => name.endsWith('.incr.aof'));
    process.kill(pid, 'SIGKILL');
    if (file) appendFileSync(join(folder, file), '*3\r\n$3\r\nSET\r\n$7\r\n{berth}');
    return REACHED;
  },
};

const FLUSHALL = '*1\r\n$8\r\nflushall\r\n';

/** Somebody empties it, and repairs that as Redis's manual has it: the command is taken off the end of the log again. */
const emptied: Fault = {
  name: 'redis is emptied',
  inject: async ({ host, random }) => {
    const isEmpty = await host.redis((redis) => redis.flushall()).catch(() => null);
    if (isEmpty === null) return NOT_REACHED;
    // Nobody repairs it before Berth has noticed, which looks every second.
    await sleep(random.between(1500, 2500));
    const takeBack = async (): Promise<void> => {
      const folder = join(host.daemon.dataDirectory, 'redis/appendonlydir');
      // One that starts meanwhile may have read the command still.
      for (let isThere = 0; isThere === 0; ) {
        const pid = host.redisPid();
        signalled(pid, 'SIGSTOP');
        for (const name of readdirSync(folder)) {
          const file = join(folder, name);
          const at = readFileSync(file).indexOf(FLUSHALL);
          if (at >= 0) truncateSync(file, at);
        }
        signalled(pid, 'SIGKILL');
        isThere = await host.redis((redis) => redis.exists('{berth}:identity')).catch(() => 0);
      }
    };
    return { ...REACHED, takeBack };
  },
};

export const REDIS_FAULTS: readonly Fault[] = [
  passing('redis is slow', (redis) => redis.client('PAUSE', 700, 'ALL')),
  passing(
    'redis is read-only',
    (redis) => redis.replicaof('127.0.0.1', '1'),
    (redis) => redis.replicaof('NO', 'ONE'),
  ),
  passing(
    'redis is out of memory',
    (redis) => redis.config('SET', 'maxmemory', '1'),
    (redis) => redis.config('SET', 'maxmemory', '0'),
  ),
  passing('redis drops its clients', (redis) => redis.call('CLIENT', 'KILL', 'TYPE', 'normal')),
  tornWrite,
  emptied,
];
