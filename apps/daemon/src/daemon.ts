import type { Logger } from 'pino';
import { resolveOrRefuse } from './api/code-request.js';
import { apiContext } from './composition/api.js';
import { keepJobMap } from './composition/dcgm.js';
import { type Ground, openGround } from './composition/ground.js';
import { watchLedger } from './composition/ledger-watch.js';
import { serve } from './composition/network.js';
import { startNotifications } from './composition/notifications.js';
import { observe } from './composition/observation.js';
import { startScheduling } from './composition/scheduling.js';
import { superviseWorkers } from './composition/workers.js';
import type { Config } from './config.js';
import type { DeviceQueues } from './ledger/device-queue.js';
import { ScheduleLedger } from './ledger/schedules.js';
import { warnUnlessUnavailable } from './ledger/unavailable.js';
import { type Resolve, ScheduleKeeper } from './schedules/schedule-keeper.js';
import { Ticks } from './schedules/ticks.js';
import { JobTraces } from './tracing/job-traces.js';
import { Upkeep } from './upkeep/upkeep.js';

export interface RunningDaemon {
  /** Where the API listens. */
  readonly url: string;
  /** Resolves when somebody has asked for its end, and that has come. */
  readonly shutdownDue: Promise<void>;
  /** Ends the daemon. Running jobs, and what they need, go on; the rest goes too. */
  stop(): Promise<void>;
}

/**
 * Puts the daemon together, from the ground up: each part is handed what it needs here and in `composition/`, and nowhere else.
 * What begins later may use what began before it, and ends before that.
 * @throws StartError, RedisUnavailable
 */
export async function startDaemon(config: Config, log: Logger): Promise<RunningDaemon> {
  const ground = await openGround(config, log);
  const workers = superviseWorkers(ground);
  await startTraces(ground);
  const observation = observe(ground);
  const scheduling = await startScheduling(ground);
  const schedules = scheduleKeeper(ground, (template) => resolveOrRefuse(template, context));
  /** After the ledger was exchanged under us. */
  const readAnew = async (): Promise<void> => {
    await ground.register();
    scheduling.scheduler.resume();
    schedules.lookAgain();
  };
  const ledgerWatch = watchLedger(ground, scheduling.scheduler, readAnew);
  const addresses = await startNotifications(ground);
  await startUpkeep(ground, scheduling.queues);
  const context = apiContext(ground, { observation, scheduling, ledgerWatch, addresses, readAnew });
  await keepJobMap(ground, context.devices);
  await schedules.start(ground.feed);
  ground.endings.add(() => schedules.close());
  const url = await serve(ground, context);
  // Last: to start many at once takes all cores for seconds, and who asks should not have to wait for that.
  workers.start(
    ground.inventory.devices.map(({ uuid }) => uuid),
    ground.store.redis,
  );
  return { url, shutdownDue: scheduling.shutdown.due, stop: () => ground.endings.run() };
}

/** Sends traces of jobs, where the settings name a collector. */
async function startTraces({ config, ledger, feed, endings, log }: Ground): Promise<void> {
  if (!config.tracesUrl) return;
  const traces = await JobTraces.open({ url: config.tracesUrl, node: config.node, ledger, log });
  traces.start(feed);
  endings.add(() => traces.close());
}

/** Removes what has ended long ago. */
async function startUpkeep(ground: Ground, queues: DeviceQueues): Promise<void> {
  const { config, ledger, directories, endings, log } = ground;
  const upkeep = new Upkeep({ ledger, queues, directories, retention: config.retention, log });
  await upkeep.start();
  endings.add(() => upkeep.close());
}

/** Makes jobs of schedules, once it is started. */
function scheduleKeeper({ store, damages, log }: Ground, resolve: Resolve): ScheduleKeeper {
  const ticks = new Ticks(store.redis, warnUnlessUnavailable(log, 'a tick failed'));
  return new ScheduleKeeper({ schedules: new ScheduleLedger(store.redis, damages), ticks, resolve, log });
}
