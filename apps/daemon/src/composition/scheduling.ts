import { DeviceQueues } from '../ledger/device-queue.js';
import { SchedulerLoop } from '../scheduling/scheduler-loop.js';
import { ShutdownKeeper } from '../scheduling/shutdown.js';
import type { Ground } from './ground.js';

export interface Scheduling {
  readonly scheduler: SchedulerLoop;
  readonly queues: DeviceQueues;
  readonly shutdown: ShutdownKeeper;
}

/** Places jobs from now on, until a shutdown is asked for. */
export async function startScheduling(ground: Ground): Promise<Scheduling> {
  const { config, ledger, store, feed, meters, endings, log } = ground;
  const queues = new DeviceQueues(store.redis, (error) =>
    log.debug({ error: error.message }, 'a device queue failed'),
  );
  endings.add(() => queues.close());
  const scheduler = new SchedulerLoop({
    ledger,
    queues,
    feed,
    node: config.node,
    policy: {
      plannedSeconds: config.plannedDuration,
      halfLifeSeconds: config.fairShareHalfLife,
      reachSeconds: config.fairShareReach,
      users: config.users,
    },
    observer: meters,
    log,
  });
  await scheduler.start();
  endings.add(() => scheduler.close());
  const shutdown = new ShutdownKeeper({ ledger, scheduler, feed, log });
  endings.add(() => shutdown.close());
  return { scheduler, queues, shutdown };
}
