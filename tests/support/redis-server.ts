import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { findRedisServer } from '../../apps/daemon/dist/redis/server-program.js';

/** A real Redis for one test file, durable as the daemon's own, on a socket of its own. */
export class RedisServer {
  readonly path: string;
  private readonly directory: string;
  private readonly server: ChildProcess;
  private readonly clients: Redis[] = [];

  private constructor(directory: string, server: ChildProcess) {
    this.directory = directory;
    this.path = join(directory, 'redis.sock');
    this.server = server;
  }

  static async start(): Promise<RedisServer> {
    const directory = mkdtempSync(join(tmpdir(), 'berth-redis-'));
    const argv = [
      '--port',
      '0',
      '--unixsocket',
      join(directory, 'redis.sock'),
      '--dir',
      directory,
      '--save',
      '',
    ];
    const server = spawn(
      findRedisServer() as string,
      [...argv, '--appendonly', 'yes', '--appendfsync', 'always'],
      { stdio: 'ignore', argv0: 'redis-server' },
    );
    const started = new RedisServer(directory, server);
    await started.connect().ping();
    return started;
  }

  connect(): Redis {
    const redis = new Redis(this.path, {
      retryStrategy: () => 10,
      maxRetriesPerRequest: null,
      replyMapping: 'legacy',
    });
    redis.on('error', () => undefined);
    this.clients.push(redis);
    return redis;
  }

  /**
   * All that is in it, each key with its content, to be compared.
   * Hashes are not dumped: Redis may move the fields of a large one about while nobody changes it.
   */
  async everything(): Promise<string[]> {
    const redis = this.connect();
    const contentOf = async (key: string): Promise<unknown> =>
      (await redis.type(key)) === 'hash' ? Object.entries(await redis.hgetall(key)).sort() : redis.dump(key);
    const keys = (await redis.keys('*')).sort();
    return Promise.all(keys.map(async (key) => `${key} ${JSON.stringify(await contentOf(key))}`));
  }

  async stop(): Promise<void> {
    for (const client of this.clients) client.disconnect();
    const exited = once(this.server, 'exit');
    this.server.kill('SIGKILL');
    await exited;
    rmSync(this.directory, { recursive: true });
  }
}
