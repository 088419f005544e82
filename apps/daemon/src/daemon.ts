import { chmodSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { hostname, userInfo } from 'node:os';
import type { Notice } from '@berth/contract';
import { accountNamed, tryLock } from '@berth/task-shim';
import type { Logger } from 'pino';
import { digestOf, openToken } from './api/authentication.js';
import { resolveOrRefuse } from './api/code-request.js';
import type { ApiContext } from './api/context.js';
import { DeviceViews } from './api/device-views.js';
import { EventStreams } from './api/event-stream.js';
import { Followers } from './api/followers.js';
import { KnownCallers } from './api/known-callers.js';
import { Peers } from './api/peers.js';
import { Readiness } from './api/readiness.js';
import { RememberedJobs } from './api/remembered-jobs.js';
import { buildServer, type ServerOptions } from './api/server.js';
import { listenOnSocket } from './api/unix-socket.js';
import { Provenance } from './code/provenance.js';
import { Snapshots } from './code/snapshot.js';
import type { Config } from './config.js';
import { openContainment } from './containment.js';
import { liveTasks, openDataDirectory } from './data-directory.js';
import { otherClaimant } from './device-claim.js';
import { deviceLabels } from './devices/device-labels.js';
import { Histories } from './devices/histories.js';
import { DeviceInventory } from './devices/inventory.js';
import { registrationOf } from './devices/registration.js';
import { whyNoRoom } from './disk-room.js';
import { examineRedis, judgeRedis } from './doctor/redis.js';
import { ActivityMeter } from './guard/activity-meter.js';
import { DeviceGuard } from './guard/device-guard.js';
import { DeviceWatch } from './guard/device-watch.js';
import { EndingWatch } from './guard/ending-watch.js';
import { HangWatch } from './guard/hang-watch.js';
import { QuickFailures } from './guard/quick-failures.js';
import { RunningTasks } from './guard/running-tasks.js';
import { processesOf } from './guard/task-processes.js';
import { InsightKeeper } from './insight/insight-keeper.js';
import { Insights } from './insight/insights.js';
import { DeviceBookView } from './ledger/device-book-view.js';
import { DeviceQueues } from './ledger/device-queue.js';
import { EventFeed } from './ledger/event-feed.js';
import { EventLog } from './ledger/event-log.js';
import { exportLedger } from './ledger/export.js';
import { openIdentity, WrongLedger } from './ledger/identity.js';
import { importLedger } from './ledger/import.js';
import { JobWatch } from './ledger/job-watch.js';
import { Ledger } from './ledger/ledger.js';
import { LedgerWatch } from './ledger/ledger-watch.js';
import { RecentEvents } from './ledger/recent-events.js';
import { ScheduleLedger } from './ledger/schedules.js';
import { LedgerTooNew, openSchema } from './ledger/schema.js';
import { bindToLedger } from './ledger/scripts.js';
import { warnUnlessUnavailable } from './ledger/unavailable.js';
import { UserLedger } from './ledger/users.js';
import { parseListen } from './listening.js';
import { Addresses } from './notifications/addresses.js';
import { Deliveries } from './notifications/deliveries.js';
import { Notifier } from './notifications/notifier.js';
import { Exposition } from './prometheus/exposition.js';
import { JobMap } from './prometheus/job-map.js';
import { Meters } from './prometheus/meters.js';
import { connectRedis } from './redis/connection.js';
import { checkDurability } from './redis/durability.js';
import { PrivateRedis } from './redis/private-redis.js';
import { restartOf } from './restart.js';
import { ScheduleKeeper } from './schedules/schedule-keeper.js';
import { Ticks } from './schedules/ticks.js';
import { SchedulerLoop } from './scheduling/scheduler-loop.js';
import { ShutdownKeeper } from './scheduling/shutdown.js';
import { JobTraces } from './tracing/job-traces.js';
import { Upkeep } from './upkeep/upkeep.js';
import { WorkerSupervisor } from './workers/supervisor.js';

/** Events after which other jobs may have a device. */
const HOLDERS_CHANGE = ['job.placed', 'job.ended', 'job.requeued', 'devices.registered'];

/** The daemon can't run; the message says why and what to do. */
export class StartError extends Error {
  override readonly name = 'StartError';
}

export interface RunningDaemon {
  /** Where the API listens. */
  readonly url: string;
  /** Resolves when somebody has asked for its end, and that has come. */
  readonly shutdownDue: Promise<void>;
  /** Ends the daemon. Running jobs, and what they need, go on; the rest goes too. */
  stop(): Promise<void>;
}

/**
 * Puts the daemon together, from the ground up: lock, Redis, devices, ledger, workers, scheduler, API.
 * Each part is handed what it needs here and nowhere else.
 * @throws StartError, RedisUnavailable
 */
export async function startDaemon(config: Config, log: Logger): Promise<RunningDaemon> {
  const me = userInfo();
  const socketMode = Number.parseInt(config.socketMode, 8);
  const directories = openDataDirectory(config.dataDir, (socketMode & 0o077) !== 0 || me.uid === 0);
  const lock = tryLock(directories.daemonLock);
  if (!lock) {
    throw new StartError(
      `another berthd runs on ${config.dataDir} already; stop it first, or choose another --data-dir`,
    );
  }
  const simulation = config.simulate ? { spec: config.simulate, stateFile: directories.simulation } : null;
  const inventory = await DeviceInventory.open(simulation, log);
  // Jobs of other accounts use simulated devices as they would use real ones.
  if (simulation && me.uid === 0) chmodSync(simulation.stateFile, 0o666);
  refuseOthersDevices(inventory, config.dataDir);
  const privateRedis = config.redisUrl ? null : await PrivateRedis.open(config.dataDir, log);
  const address = privateRedis?.address ?? { url: config.redisUrl as string };
  const redis = connectRedis(address, 'daemon', 'patient', log);
  if (!privateRedis) await checkDurability(redis, log);
  const countTasks = (): number => liveTasks(directories).length;
  const open = async (): Promise<string> => {
    const found = await openIdentity(redis, directories.ledgerIdentity, countTasks());
    await openSchema(redis, log);
    return found;
  };
  const identity = await open().catch(async (error: unknown) => {
    if (!(error instanceof WrongLedger || error instanceof LedgerTooNew)) throw error;
    await privateRedis?.leave();
    throw new StartError(error.message);
  });
  bindToLedger(redis, identity);
  const connect = (name: string, patience: 'patient' | 'impatient' = 'patient') => {
    const connection = connectRedis(address, name, patience, log);
    bindToLedger(connection, identity);
    return connection;
  };

  const meters = new Meters();
  const observe = meters.changedLedger.bind(meters);
  const ledger = new Ledger(redis, observe, log);
  const labels = deviceLabels(config.deviceLabels, inventory.devices);
  for (const problem of labels.problems) log.warn(problem);
  const register = (): Promise<void> =>
    ledger.devices.register(
      config.node,
      inventory.devices.map((facts) =>
        registrationOf(facts, config.node, labels.byUuid.get(facts.uuid) ?? {}),
      ),
    );
  await register();

  const containment = openContainment(config.controlGroups);
  if ('problem' in containment) log.info({ why: containment.problem }, 'jobs get no control groups');
  const groups = 'problem' in containment ? null : containment;
  const workerOptions = {
    node: config.node,
    dataDirectory: config.dataDir,
    redis: address,
    ledger: identity,
    groups,
    logLimit: config.logLimit,
    logLevel: config.logLevel,
  };
  const tell = (telling: Promise<void>): void => {
    telling.catch((error: Error) =>
      log.warn({ error: error.message }, 'that a process died could not be said'),
    );
  };
  const workers = new WorkerSupervisor({
    directories,
    workerOptions,
    onDeath: (device, ending) => {
      meters.restarted('worker');
      const restart = restartOf('its worker', ending, directories.workerLog(device));
      tell(ledger.devices.noteWorkerRestart(device, restart));
    },
    log,
  });
  if (privateRedis)
    privateRedis.onDeath = (ending) => {
      meters.restarted('redis');
      const restart = restartOf("Berth's own Redis", ending, privateRedis.serverLog);
      tell(ledger.devices.noteRedisRestart(restart));
    };

  const queues = new DeviceQueues(redis, (error) =>
    log.debug({ error: error.message }, 'a device queue failed'),
  );
  const feed = await EventFeed.open(connect('feed'), log);
  feed.listen((events) => {
    for (const { type, more } of events)
      if (type === 'job.noticed' && more) meters.noticed((JSON.parse(more) as Pick<Notice, 'code'>).code);
  });
  const histories = new Histories();
  const book = new DeviceBookView(ledger, feed);
  const tasks = new RunningTasks(ledger, directories, feed, config.node);
  const activity = new ActivityMeter(ledger.usage, log);
  activity.start();
  const watch = new DeviceWatch({ inventory, book, tasks, histories, activity, log });
  const { foreignMemoryLimit, trespass, memoryExceeded } = config;
  const foreignLimitBytes = foreignMemoryLimit === 'ignore' ? null : foreignMemoryLimit;
  const policy = { foreignLimitBytes, trespass, memoryExceeded };
  new DeviceGuard({ inventory, watch, book, ledger, policy, log }).start();
  new HangWatch({ inventory, tasks, watch, ledger, directories, policy: config.hang, log }).start();
  const failures = new QuickFailures(config.quickFailures);
  new EndingWatch({ ledger, failures, histories, node: config.node, log }).start(feed);
  // A device that turns up later is one like the others.
  inventory.onDevices(() => {
    register()
      .then(() => workers.add(inventory.devices.map(({ uuid }) => uuid)))
      .catch((error: unknown) => log.error({ error: (error as Error).message }, 'new devices are left out'));
  });

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
  /** After the ledger was exchanged under us. */
  const readAnew = async (): Promise<void> => {
    await register();
    scheduler.resume();
    schedules.lookAgain();
  };
  const ledgerWatch = new LedgerWatch({
    redis,
    identity,
    file: directories.ledgerIdentity,
    countTasks,
    whyNoRoom: () => (privateRedis ? whyNoRoom(config.dataDir) : null),
    log,
    onIdentity: async (isThere) => {
      if (!isThere) {
        scheduler.suspend();
        log.fatal('the ledger is gone from Redis: nothing is scheduled; running jobs go on');
        return;
      }
      log.warn('the ledger is back in Redis');
      await readAnew().catch((error: unknown) => {
        log.error({ error }, 'the ledger is back, and can not be used; trying again');
        throw error;
      });
    },
  });
  ledgerWatch.start();

  const addresses = new Addresses(config.notifications.allow);
  const notifier = new Notifier({
    ledger,
    redis: connect('notifications'),
    deliveries: new Deliveries(redis, config.notifications.firstRetry * 1000, log),
    addresses,
    webhooks: config.notifications.webhooks,
    log,
  });
  await notifier.start();
  const shutdown = new ShutdownKeeper({ ledger, scheduler, feed, log });
  const upkeep = new Upkeep({ ledger, queues, directories, retention: config.retention, log });
  await upkeep.start();

  const token = openToken(directories.token);
  const apiRedis = connect('api', 'impatient');
  const insights = new Insights(directories, ({ job, attempt, rank }) => {
    const task = tasks.tasks.find(
      (each) => each.job === job && each.attempt === attempt && each.rank === rank,
    );
    return task ? processesOf(task) : [];
  });
  const insightKeeper = new InsightKeeper(insights, () => tasks.tasks, log);
  insightKeeper.start();
  const apiLedger = new Ledger(apiRedis, observe, log);
  const provenance = new Provenance();
  const runsAs = { uid: me.uid, name: me.username };
  const peers = new Peers({ users: new UserLedger(apiRedis), socketUsers: config.socketUsers, runsAs });
  const devices = new DeviceViews({
    inventory,
    watch,
    book,
    histories,
    labels: labels.byUuid,
    node: config.node,
    ledgerProblem: () => ledgerWatch.problem,
    scheduling: () => scheduler.state,
    foreignLimitBytes,
  });
  const ledgerProblem = () => ledgerWatch.problem;
  const readiness = new Readiness({ ledger: apiLedger, ledgerProblem, directories, shutdown });
  const listDevices = async () => (await devices.list()).items;
  if (config.dcgmJobMapping) {
    const jobMap = new JobMap({ directory: config.dcgmJobMapping, devices: listDevices, log });
    feed.listen((events) => {
      if (events.some(({ type }) => HOLDERS_CHANGE.includes(type))) void jobMap.update();
    });
    await jobMap.update();
  }
  const context: ApiContext = {
    ledger: apiLedger,
    remembered: () => {
      const problem = ledgerProblem();
      return problem && new RememberedJobs(tasks.records, problem);
    },
    schedules: new ScheduleLedger(apiRedis),
    watch: new JobWatch(feed),
    followers: new Followers(config.followers, feed),
    events: new EventStreams(new EventLog(apiRedis), new RecentEvents(feed)),
    inventory,
    devices,
    exposition: new Exposition(meters, {
      devices: listDevices,
      jobs: async () => (ledgerWatch.problem ? null : apiLedger.counts()),
      notReady: () => readiness.whyNot(),
      waiting: () => scheduler.waitingByReason(),
    }),
    histories,
    insights,
    examineRedis: async () => {
      const trouble = ledgerProblem();
      const isSilent = trouble?.code === 'unanswered';
      const facts = isSilent ? null : await examineRedis(apiRedis).catch(() => null);
      const { redisRestarts } = await devices.list();
      return judgeRedis(facts, privateRedis !== null, trouble?.sentence ?? null, redisRestarts);
    },
    directories,
    code: { provenance, snapshots: new Snapshots(provenance, config.snapshotLimit) },
    node: config.node,
    user: me.username,
    users: new UserLedger(apiRedis),
    access: {
      visibility: config.visibility,
      rootJobs: config.rootJobs,
      runsAs,
      accountNamed,
    },
    peers,
    gracePeriod: config.gracePeriod,
    hang: config.hang,
    limits: { setting: config.limits, controllers: groups?.controllers ?? [] },
    containment,
    scheduling: { state: () => scheduler.state },
    ledgerProblem,
    readiness,
    meters,
    knownCallers: new KnownCallers(feed, ledgerProblem),
    shutdown,
    notifications: addresses,
    backup: {
      export: () => exportLedger(redis),
      import: async (file) => {
        const imported = await importLedger(redis, file, log);
        log.warn(imported, 'an export was taken into the ledger');
        await readAnew();
        return imported;
      },
    },
    labels: labels.byUuid,
    tokenDigest: digestOf(token),
  };
  const schedules = new ScheduleKeeper({
    schedules: new ScheduleLedger(redis),
    ticks: new Ticks(redis, warnUnlessUnavailable(log, 'a tick failed')),
    resolve: (template) => resolveOrRefuse(template, context),
    log,
  });
  await schedules.start(feed);
  const { tracesUrl, node } = config;
  const traces = tracesUrl ? await JobTraces.open({ url: tracesUrl, node, ledger, log }) : null;
  traces?.start(feed);
  const app = await buildServer(context, log, serverOptions(config));
  let closeSocket: (() => Promise<void>) | null = null;
  const stop = async (): Promise<void> => {
    rmSync(directories.address, { force: true });
    await closeSocket?.();
    await app.close();
    await upkeep.close();
    await notifier.close();
    await schedules.close();
    scheduler.close();
    ledgerWatch.close();
    shutdown.close();
    feed.close();
    const busy = await workers.retire(redis);
    await inventory.close();
    await activity.close();
    await insightKeeper.close();
    await traces?.close();
    await queues.close();
    apiRedis.disconnect();
    redis.disconnect();
    if (busy.length === 0 && countTasks() === 0) await privateRedis?.shutdown();
    else log.info({ devices: busy }, 'jobs go on running; the next berthd takes them up again');
    privateRedis?.close();
    lock.release();
  };

  const { host, port } = parseListen(config.listen) as { host: string; port: number };
  try {
    await app.listen({ host: host.replace(/^\[|\]$/g, ''), port });
    closeSocket = await listenOnSocket(app, directories.socket, socketMode, peers);
    if (!closeSocket)
      log.warn({ path: directories.socket }, 'this path is too long for a unix socket; there is none');
  } catch (error) {
    await stop();
    throw new StartError(
      `can't listen on ${config.listen}: ${(error as Error).message}; choose another with --listen`,
    );
  }
  const url = `${config.tls ? 'https' : 'http'}://${host}:${(app.server.address() as AddressInfo).port}`;
  writeFileSync(`${directories.address}.new`, JSON.stringify({ url, pid: process.pid }), { mode: 0o644 });
  renameSync(`${directories.address}.new`, directories.address);

  // Last: to start many at once takes all cores for seconds, and who asks should not have to wait for that.
  workers.start(
    inventory.devices.map(({ uuid }) => uuid),
    redis,
  );
  return { url, shutdownDue: shutdown.due, stop };
}

/** @throws StartError where another Berth of this host uses a device */
function refuseOthersDevices(inventory: DeviceInventory, dataDirectory: string): void {
  for (const { uuid, index } of inventory.devices) {
    const other = otherClaimant(uuid, dataDirectory);
    if (!other) continue;
    throw new StartError(
      `device ${index} (${uuid}) is used by the Berth of ${other.dataDirectory} (its worker: process ${other.pid}); ` +
        'stop that one and what it runs, or give each its own devices by CUDA_VISIBLE_DEVICES',
    );
  }
}

/** @throws StartError where the certificates can't be read */
function serverOptions({
  tls,
  requestTimeout,
  trustedProxies,
  allowedHosts,
  allowedOrigins,
  listen,
  node,
}: Config): ServerOptions {
  const read = (what: 'cert' | 'key', file: string): Buffer => {
    try {
      return readFileSync(file);
    } catch (error) {
      throw new StartError(`tls: the ${what} can't be read: ${(error as Error).message}`);
    }
  };
  return {
    tls: tls ? { cert: read('cert', tls.cert), key: read('key', tls.key) } : null,
    requestTimeoutSeconds: requestTimeout,
    trustedProxies,
    hosts: [parseListen(listen)?.host ?? '', hostname(), node, ...allowedHosts],
    origins: allowedOrigins,
  };
}
