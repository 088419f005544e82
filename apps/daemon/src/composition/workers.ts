import { restartOf } from '../restart.js';
import type { WorkerOptions } from '../worker-options.js';
import { WorkerSupervisor } from '../workers/supervisor.js';
import type { Ground } from './ground.js';

/** One worker for each device, now and for those that turn up later; and who died of Berth's own processes is told. */
export function superviseWorkers(ground: Ground): WorkerSupervisor {
  const { config, directories, inventory, ledger, store, containment, meters, endings, log } = ground;
  const tell = (telling: Promise<void>): void => {
    telling.catch((error: Error) =>
      log.warn({ error: error.message }, 'that a process died could not be said'),
    );
  };
  const workers = new WorkerSupervisor({
    directories,
    workerOptions: {
      node: config.node,
      dataDirectory: config.dataDir,
      redis: store.address,
      ledger: store.identity,
      groups: 'problem' in containment ? null : containment,
      logLimit: config.logLimit,
      logLevel: config.logLevel,
    } satisfies Omit<WorkerOptions, 'device' | 'generation'>,
    onDeath: (device, ending, wasStill) => {
      meters.restarted('worker');
      const restart = restartOf('its worker', ending, directories.workerLog(device), wasStill);
      tell(ledger.devices.noteWorkerRestart(device, restart));
    },
    log,
  });
  endings.add(async () => {
    const busy = await workers.retire(store.redis);
    if (busy.length > 0)
      log.info({ devices: busy }, 'jobs go on running; the next berthd takes them up again');
  });
  const { privateRedis } = store;
  if (privateRedis)
    privateRedis.onDeath = (ending) => {
      meters.restarted('redis');
      const restart = restartOf("Berth's own Redis", ending, privateRedis.serverLog);
      tell(ledger.devices.noteRestart('redis', restart));
    };
  // A device that turns up later is one like the others.
  inventory.onDevices(() => {
    ground
      .register()
      .then(() => workers.add(inventory.devices.map(({ uuid }) => uuid)))
      .catch((error: unknown) => log.error({ error: (error as Error).message }, 'new devices are left out'));
  });
  return workers;
}
