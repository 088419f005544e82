import { chmodSync, existsSync } from 'node:fs';
import { userInfo } from 'node:os';
import type { Notice } from '@berth/contract';
import { type ControlGroups, tryLock } from '@berth/task-shim';
import type { Logger } from 'pino';
import type { Config } from '../config.js';
import { openContainment } from '../containment.js';
import { type DataDirectory, liveTasks, openDataDirectory } from '../data-directory.js';
import { otherClaimant } from '../device-claim.js';
import { deviceLabels } from '../devices/device-labels.js';
import { DeviceInventory } from '../devices/inventory.js';
import { registrationOf } from '../devices/registration.js';
import { Damages } from '../ledger/damage.js';
import { EventFeed } from '../ledger/event-feed.js';
import { Ledger } from '../ledger/ledger.js';
import { Meters } from '../prometheus/meters.js';
import { restartOfDaemon } from '../restart.js';
import { Endings } from './endings.js';
import { StartError } from './start-error.js';
import { openStore, type Store } from './store.js';

/** What every part of the daemon stands on. */
export interface Ground {
  readonly config: Config;
  readonly log: Logger;
  readonly endings: Endings;
  /** The account that the daemon runs as. */
  readonly runsAs: { uid: number; name: string };
  readonly directories: DataDirectory;
  readonly inventory: DeviceInventory;
  /** What the owners of devices call them, by UUID. */
  readonly labels: ReadonlyMap<string, Record<string, string>>;
  /** Where tasks get control groups, or why nowhere. */
  readonly containment: ControlGroups | { problem: string };
  readonly store: Store;
  readonly meters: Meters;
  readonly ledger: Ledger;
  /** What of the ledger can't be read. */
  readonly damages: Damages;
  readonly feed: EventFeed;
  /** Tells the ledger which devices this host has. */
  register(): Promise<void>;
}

/** Takes the data directory, finds the devices and opens the ledger. @throws StartError, RedisUnavailable */
export async function openGround(config: Config, log: Logger): Promise<Ground> {
  const endings = new Endings();
  const { uid, username: name } = userInfo();
  const directories = takeDirectory(config, uid, endings);
  // Whoever ends by itself takes it away.
  const wasKilled = existsSync(directories.address);
  const inventory = await findDevices(config, uid, directories, log);
  const store = await openStore(config, directories, endings, log);
  const meters = new Meters();
  const damages = new Damages(log);
  const ledger = new Ledger(store.redis, meters.changedLedger.bind(meters), damages);
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
  if (wasKilled) {
    const restart = restartOfDaemon(liveTasks(directories).length);
    log.warn(restart.sentence);
    await ledger.devices.noteRestart('daemon', restart);
  }
  const containment = openContainment(config.controlGroups);
  if ('problem' in containment) log.info({ why: containment.problem }, 'jobs get no control groups');
  const feed = await EventFeed.open(store.connect('feed'), log);
  endings.add(() => feed.close());
  feed.listen((events) => {
    for (const { type, more } of events)
      if (type === 'job.noticed' && more) meters.noticed((JSON.parse(more) as Pick<Notice, 'code'>).code);
  });
  return {
    config,
    log,
    endings,
    runsAs: { uid, name },
    directories,
    inventory,
    labels: labels.byUuid,
    containment,
    store,
    meters,
    ledger,
    damages,
    feed,
    register,
  };
}

/** @throws StartError where another daemon has it */
function takeDirectory({ dataDir, socketMode }: Config, uid: number, endings: Endings): DataDirectory {
  const isShared = (Number.parseInt(socketMode, 8) & 0o077) !== 0 || uid === 0;
  const directories = openDataDirectory(dataDir, isShared);
  const lock = tryLock(directories.daemonLock);
  if (!lock) {
    throw new StartError(
      `another berthd runs on ${dataDir} already; stop it first, or choose another --data-dir`,
    );
  }
  endings.add(() => lock.release());
  return directories;
}

/** @throws StartError where another Berth of this host uses one */
async function findDevices(
  { simulate, dataDir }: Config,
  uid: number,
  directories: DataDirectory,
  log: Logger,
): Promise<DeviceInventory> {
  const simulation = simulate ? { spec: simulate, stateFile: directories.simulation } : null;
  const inventory = await DeviceInventory.open(simulation, log);
  // Jobs of other accounts use simulated devices as they would use real ones.
  if (simulation && uid === 0) chmodSync(simulation.stateFile, 0o666);
  for (const { uuid, index } of inventory.devices) {
    const other = otherClaimant(uuid, dataDir);
    if (!other) continue;
    throw new StartError(
      `device ${index} (${uuid}) is used by the Berth of ${other.dataDirectory} (its worker: process ${other.pid}); ` +
        'stop that one and what it runs, or give each its own devices by CUDA_VISIBLE_DEVICES',
    );
  }
  return inventory;
}
