import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  type Ending,
  type HeldLock,
  keepRunning,
  spawnDetached,
  tryLock,
  waitForLock,
} from '@berth/task-shim';
import { Redis } from 'ioredis';
import type { Logger } from 'pino';
import { checkRoom, whyNoRoom } from '../disk-room.js';
import { RecurringTrouble } from '../recurring-trouble.js';
import type { RedisAddress } from './connection.js';
import { findRedisServer } from './server-program.js';

/** Linux keeps a socket's path in 108 bytes (unix(7)). */
const LONGEST_SOCKET_PATH = 107;
const START_PATIENCE_MS = 30_000;

/** The private Redis can't be had; the message says what to do. */
export class RedisUnavailable extends Error {
  override readonly name = 'RedisUnavailable';
}

/**
 * The embedded Redis: a server of our own on a unix socket in the data directory, durable to the last write.
 *
 * It holds `redis.lock` for as long as it lives and outlives the daemon: one that comes back finds it by
 * that lock. The daemon waits for the lock, so it notices at once when the server dies, and whoever has the
 * lock then starts the next one: two never run on one directory.
 */
export class PrivateRedis {
  readonly address: RedisAddress;
  /** What the server says of itself. */
  readonly serverLog: string;
  /** Whether it was there already when the daemon came. */
  isFound = false;

  /** Told when it has died, and is about to be started again. */
  onDeath: (ending: Ending) => void = () => undefined;

  /** Of the server that answered last, as it says itself. */
  private pid = 0;
  /** Why none runs; null: one does, or may. */
  private trouble: string | null = null;
  private readonly directory: string;
  private readonly log: Logger;
  private readonly closing = new AbortController();

  private constructor(dataDirectory: string, log: Logger) {
    this.directory = join(dataDirectory, 'redis');
    const path = join(this.directory, 'redis.sock');
    if (Buffer.byteLength(path) > LONGEST_SOCKET_PATH) {
      throw new RedisUnavailable(
        `the path ${path} is too long for a socket (${LONGEST_SOCKET_PATH} bytes at most): choose a shorter --data-dir`,
      );
    }
    this.address = { path };
    this.serverLog = join(this.directory, 'redis.log');
    this.log = log;
  }

  /** Finds the running server of this data directory, or starts one. @throws RedisUnavailable */
  static async open(dataDirectory: string, log: Logger): Promise<PrivateRedis> {
    const redis = new PrivateRedis(dataDirectory, log);
    mkdirSync(redis.directory, { recursive: true, mode: 0o700 });
    const lock = tryLock(redis.lockPath);
    const pid = lock && redis.spawn(lock);
    if (!lock) log.info('found the private Redis running');
    redis.isFound = lock === null;
    await redis.answer();
    void redis.keepRunning(pid);
    return redis;
  }

  /** Why it gives no answer, with what to do, as far as that can be seen from outside; null: it can't. */
  whySilent(): string | null {
    const why = whyNoRoom(this.directory) ?? this.trouble;
    if (why !== null) return why;
    return isStopped(this.pid)
      ? `its process ${this.pid} was stopped (SIGSTOP): kill -CONT ${this.pid} lets it go on`
      : null;
  }

  /** Leaves the server running and stops watching it. */
  close(): void {
    this.closing.abort();
  }

  /** Leaves the server as it was found: running, or not. */
  async leave(): Promise<void> {
    if (this.isFound) this.close();
    else await this.shutdown();
  }

  /** Ends the server, every acknowledged write being on disk already. */
  async shutdown(): Promise<void> {
    this.close();
    const redis = this.connect();
    // A server that obeys gives no answer; its lock tells.
    void redis.shutdown('NOSAVE').catch(() => undefined);
    (await waitForLock(this.lockPath)).release();
    redis.disconnect();
  }

  private get lockPath(): string {
    return join(this.directory, 'redis.lock');
  }

  /** @throws RedisUnavailable, SpawnError */
  private spawn(lock: HeldLock): number {
    const file = findRedisServer();
    if (!file) {
      lock.release();
      throw new RedisUnavailable(
        'no redis-server or valkey-server on the PATH: install one (Debian, Ubuntu: apt install redis-server; ' +
          'Fedora: dnf install valkey; conda: conda install -c conda-forge redis-server), or name a server with --redis-url',
      );
    }
    const argv = ['redis-server', '--port', '0', '--unixsocket', (this.address as { path: string }).path];
    argv.push('--unixsocketperm', '700', '--dir', this.directory, '--logfile', this.serverLog);
    argv.push(
      '--appendonly',
      'yes',
      '--appendfsync',
      'always',
      '--save',
      '',
      '--maxmemory-policy',
      'noeviction',
    );
    const inherit = [{ from: lock.fd, to: 3 }];
    try {
      const pid = spawnDetached({ file, argv, environment: process.env, inherit, asChild: true });
      this.log.info({ pid, directory: this.directory }, 'started the private Redis');
      return pid;
    } finally {
      lock.release();
    }
  }

  private connect(): Redis {
    const { path } = this.address as { path: string };
    const redis = new Redis({
      path,
      retryStrategy: () => 20,
      maxRetriesPerRequest: null,
      replyMapping: 'legacy',
    });
    redis.on('error', () => undefined);
    return redis;
  }

  private async answer(): Promise<void> {
    const redis = this.connect();
    try {
      const said = await Promise.race([
        redis.info('server'),
        new Promise<never>((_, reject) => {
          const message = `the private Redis doesn't answer; its log is ${this.serverLog}`;
          setTimeout(() => reject(new RedisUnavailable(message)), START_PATIENCE_MS).unref();
        }),
      ]);
      this.pid = Number(/^process_id:(\d+)/m.exec(said)?.[1] ?? 0);
    } finally {
      redis.disconnect();
    }
  }

  private keepRunning(pid: number | null): Promise<void> {
    const trouble = new RecurringTrouble(this.log, {
      begins: 'the private Redis could not be started; trying again',
      ends: 'the private Redis could be started again',
      level: 'error',
    });
    const server = {
      lockPath: this.lockPath,
      pid,
      start: (lock: HeldLock) => {
        // On a full disk its first write would end it again.
        checkRoom(this.directory);
        this.pid = this.spawn(lock);
        this.trouble = null;
        trouble.over();
        return this.pid;
      },
      onDeath: (ending: Ending) => {
        this.log.error({ ...ending, log: this.serverLog }, 'the private Redis has died; starting it again');
        const { exitCode, signal } = ending;
        const how = signal ?? (exitCode === null ? 'how is not known' : `exit code ${exitCode}`);
        this.trouble = `it has died (${how}), and Berth starts it again; its log is ${this.serverLog}`;
        this.onDeath(ending);
      },
      onFailure: (error: Error) => {
        this.trouble = error.message;
        trouble.tell(error);
      },
    };
    return keepRunning(server, this.closing.signal);
  }
}

/** proc(5), the state in `/proc/<pid>/stat`, behind the command's name. */
function isStopped(pid: number): boolean {
  try {
    return /^.*\) T/s.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}
