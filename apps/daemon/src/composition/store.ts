import { isLocked } from '@berth/task-shim';
import type { Redis } from 'ioredis';
import type { Logger } from 'pino';
import type { Config } from '../config.js';
import { type DataDirectory, liveTasks } from '../data-directory.js';
import { openIdentity, WrongLedger } from '../ledger/identity.js';
import { LedgerTooNew, openSchema } from '../ledger/schema.js';
import { bindToLedger } from '../ledger/scripts.js';
import { connectRedis, type RedisAddress } from '../redis/connection.js';
import { checkDurability } from '../redis/durability.js';
import { PrivateRedis } from '../redis/private-redis.js';
import type { Endings } from './endings.js';
import { StartError } from './start-error.js';

/** The Redis that holds this data directory's ledger. */
export interface Store {
  readonly address: RedisAddress;
  /** The ledger's name. */
  readonly identity: string;
  /** null: the settings name another Redis. */
  readonly privateRedis: PrivateRedis | null;
  /** The daemon's own connection, patient. */
  readonly redis: Redis;
  /** One more connection; as on the first, each transition of another ledger is refused. */
  connect(name: string, patience?: 'patient' | 'impatient'): Redis;
}

/** @throws StartError where Redis holds another ledger, or one of a newer Berth; RedisUnavailable */
export async function openStore(
  { redisUrl, dataDir }: Config,
  directories: DataDirectory,
  endings: Endings,
  log: Logger,
): Promise<Store> {
  const privateRedis = redisUrl ? null : await PrivateRedis.open(dataDir, log);
  if (privateRedis) endings.add(() => endUnlessUsed(privateRedis, directories));
  const address = privateRedis?.address ?? { url: redisUrl as string };
  const redis = connectRedis(address, 'daemon', 'patient', log);
  endings.add(() => redis.disconnect());
  if (!privateRedis) await checkDurability(redis, log);
  const identity = await openLedger(redis, directories, log).catch(async (error: unknown) => {
    if (!(error instanceof WrongLedger || error instanceof LedgerTooNew)) throw error;
    await privateRedis?.leave();
    throw new StartError(error.message);
  });
  bindToLedger(redis, identity);
  const connect = (name: string, patience: 'patient' | 'impatient' = 'patient'): Redis => {
    const connection = connectRedis(address, name, patience, log);
    bindToLedger(connection, identity);
    return connection;
  };
  return { address, identity, privateRedis, redis, connect };
}

async function openLedger(redis: Redis, directories: DataDirectory, log: Logger): Promise<string> {
  const identity = await openIdentity(redis, directories.ledgerIdentity, liveTasks(directories).length);
  await openSchema(redis, log);
  return identity;
}

/** Workers that have tasks, and tasks whose worker has died, need it until they are done. */
async function endUnlessUsed(privateRedis: PrivateRedis, directories: DataDirectory): Promise<void> {
  const hasWorker = (device: string): boolean => isLocked(directories.workerLock(device));
  const isUsed = directories.devicesWithWorkers().some(hasWorker) || liveTasks(directories).length > 0;
  await (isUsed ? privateRedis.close() : privateRedis.shutdown());
}
