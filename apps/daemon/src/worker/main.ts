import { randomUUID } from 'node:crypto';
import type { JobId } from '@berth/contract';
import { beat } from '@berth/task-shim';
import { dataDirectory } from '../data-directory.js';
import { claimDevice, otherClaimant } from '../device-claim.js';
import { Damages } from '../ledger/damage.js';
import { takeTasks } from '../ledger/device-queue.js';
import { rightLedger } from '../ledger/identity.js';
import { Ledger } from '../ledger/ledger.js';
import { bindToLedger } from '../ledger/scripts.js';
import type { TaskReference } from '../ledger/task-reference.js';
import { warnUnlessUnavailable } from '../ledger/unavailable.js';
import { openLog } from '../logging.js';
import { connectRedis } from '../redis/connection.js';
import { WORKER_OPTIONS, WorkerOptionsSchema } from '../worker-options.js';
import { listenToControl } from './control.js';
import { TaskRunner } from './task-runner.js';

/**
 * A device's worker: a process of its own that holds the device's lock (inherited, for as long as it lives), takes
 * the tasks of its device and sees them to their end. It outlives the daemon, and its tasks outlive it.
 */
const options = WorkerOptionsSchema.parse(JSON.parse(process.env[WORKER_OPTIONS] ?? 'null'));
const log = openLog({ level: options.logLevel, base: { worker: options.device } });
/** Where the supervisor hands the device's lock over. */
const LOCK_FD = 3;
beat(LOCK_FD, options.generation);
/** How often what can't be read is looked at again. */
const LOOK_AGAIN_MS = 5000;
const connect = (name: string) => {
  const redis = connectRedis(options.redis, `worker-${name}`, 'patient', log);
  bindToLedger(redis, options.ledger);
  return redis;
};
const redis = connect('ledger');
const ledger = new Ledger(redis, undefined, new Damages(log));
const directories = dataDirectory(options.dataDirectory);
if (!claimDevice(options.device, options.dataDirectory)) {
  const other = otherClaimant(options.device, options.dataDirectory);
  log.fatal({ other }, 'another Berth of this host uses the device');
  process.exit(1);
}
const runner = new TaskRunner({
  ledger,
  directories,
  groups: options.groups,
  logLimit: options.logLimit,
  token: randomUUID(),
  log,
});

let stopTaking: (() => Promise<void>) | null = null;

const leave = async (): Promise<void> => {
  await stopTaking?.();
  process.exit(0);
};

await listenToControl(connect('control'), options.device, {
  stop: (task) => runner.stop(task),
  save: (task) => {
    runner
      .save(task)
      .catch((error: unknown) => log.error({ task, error }, 'a task could not be asked to end'));
  },
  drill: (task) => {
    runner
      .drill(task)
      .catch((error: unknown) => log.error({ task, error }, 'a drill could not be carried out'));
  },
  limits: (job) => {
    runner.limitAnew(job).catch((error: unknown) => log.error({ job, error }, 'new limits are not known'));
  },
  retire: () => {
    if (runner.size === 0) void leave();
  },
  listening: () => {
    runner.catchUp().catch((error: unknown) => log.error({ error }, 'what is to be done is not known'));
  },
});

/** Neither started nor watched a task must not be left: the next worker waits for the ledger, and finds it there or in its folder. */
const giveUp = (error: unknown, task?: TaskReference): never => {
  log.fatal({ task, error }, 'a task could not be taken over; the next worker does that');
  process.exit(1);
};

/** Takes up what is open of some jobs. One that can't be read keeps its device and goes on: it is taken up once it can. */
async function takeUp(isMeant: (job: JobId) => boolean): Promise<void> {
  const { tasks, damaged } = await ledger.openTasks(options.device);
  for (const { task, state, record } of tasks.filter((open) => isMeant(open.task.job))) {
    if (state === 'waiting') await runner.take(task);
    else await runner.adopt(task, record);
  }
  const left = new Set(damaged.map(({ id }) => id));
  if (left.size > 0) setTimeout(() => void takeUp((job) => left.has(job)).catch(giveUp), LOOK_AGAIN_MS);
}

await rightLedger(redis, options.ledger, log);
// What a forerunner left comes before what is new: it may hold the device.
await takeUp(() => true);
await runner.catchUp();

stopTaking = takeTasks(
  redis,
  options.device,
  (task) => runner.take(task).catch((error: unknown) => giveUp(error, task)),
  warnUnlessUnavailable(log, 'the hand-over queue failed'),
);
// An upgrade replaces the worker: its tasks go on, and the next one adopts them.
process.on('SIGTERM', () => void leave());
log.info('worker is ready');
