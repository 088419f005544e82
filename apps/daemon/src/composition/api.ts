import { saidOf } from '@berth/scheduler';
import { accountNamed } from '@berth/task-shim';
import { digestOf, openToken } from '../api/authentication.js';
import type { ApiContext } from '../api/context.js';
import { DeviceViews } from '../api/device-views.js';
import { EventStreams } from '../api/event-stream.js';
import { Followers } from '../api/followers.js';
import { KnownCallers } from '../api/known-callers.js';
import { Peers } from '../api/peers.js';
import { Readiness } from '../api/readiness.js';
import { RememberedJobs } from '../api/remembered-jobs.js';
import { UNBOUNDED } from '../api/user-bounds.js';
import { Provenance } from '../code/provenance.js';
import { Snapshots } from '../code/snapshot.js';
import { judgeDamage } from '../doctor/damage.js';
import { examineRedis, judgeRedis } from '../doctor/redis.js';
import { adviceOn } from '../ledger/damage.js';
import { EventLog } from '../ledger/event-log.js';
import { exportLedger } from '../ledger/export.js';
import { importLedger } from '../ledger/import.js';
import { JobWatch } from '../ledger/job-watch.js';
import { Ledger } from '../ledger/ledger.js';
import type { LedgerWatch } from '../ledger/ledger-watch.js';
import { RecentEvents } from '../ledger/recent-events.js';
import { ScheduleLedger } from '../ledger/schedules.js';
import { UserLedger } from '../ledger/users.js';
import type { Addresses } from '../notifications/addresses.js';
import { Exposition } from '../prometheus/exposition.js';
import type { Ground } from './ground.js';
import type { Observation } from './observation.js';
import type { Scheduling } from './scheduling.js';

/** What else of the daemon the API shows and steers. */
interface Parts {
  readonly observation: Observation;
  readonly scheduling: Scheduling;
  readonly ledgerWatch: LedgerWatch;
  readonly addresses: Addresses;
  /** After an import. */
  readonly readAnew: () => Promise<void>;
}

/** What the API is made of. It has a connection to Redis of its own, which doesn't let people wait for long. */
export function apiContext(ground: Ground, parts: Parts): ApiContext & { peers: Peers } {
  const { config, runsAs, directories, inventory, labels, containment, store, feed, meters, damages, log } =
    ground;
  const { tasks, histories, book, watch, insights, policy } = parts.observation;
  const { scheduler, shutdown } = parts.scheduling;
  const { node } = config;
  const redis = store.connect('api', 'impatient');
  ground.endings.add(() => redis.disconnect());
  const ledger = new Ledger(redis, meters.changedLedger.bind(meters), damages);
  const users = new UserLedger(redis, damages);
  const schedules = new ScheduleLedger(redis, damages);
  const lookAgain = async (): Promise<void> => {
    await ledger.sifted(damages.all.flatMap(({ kind, id }) => (kind === 'job' ? id : [])));
    await Promise.all([schedules.all(), users.all()]);
  };
  const provenance = new Provenance();
  const ledgerProblem = () => parts.ledgerWatch.problem;
  const readiness = new Readiness({ ledger, ledgerProblem, directories, shutdown });
  const devices = new DeviceViews({
    inventory,
    watch,
    book,
    histories,
    labels,
    node,
    ledgerProblem,
    scheduling: () => scheduler.state,
    foreignLimitBytes: policy.foreignLimitBytes,
  });
  return {
    ledger,
    remembered: () => {
      const problem = ledgerProblem();
      return problem && new RememberedJobs(tasks.records, problem);
    },
    schedules,
    watch: new JobWatch(feed),
    followers: new Followers(config.followers, feed),
    events: new EventStreams(new EventLog(redis), new RecentEvents(feed)),
    inventory,
    devices,
    exposition: new Exposition(meters, {
      devices: async () => (await devices.list()).items,
      jobs: async () => (ledgerProblem() ? null : ledger.counts()),
      notReady: () => readiness.whyNot(),
      waiting: () => scheduler.waitingByReason(),
      damaged: () => damages.all,
    }),
    histories,
    insights,
    examineRedis: async () => {
      const notReady = await readiness.whyNot();
      const trouble = ledgerProblem() ?? (notReady?.code === 'draining' ? null : notReady);
      const isSilent = trouble?.code === 'unanswered';
      const facts = isSilent ? null : await examineRedis(redis).catch(() => null);
      const { redisRestarts } = await devices.list();
      // What was put right, or is gone, is no matter any more.
      if (trouble === null) await lookAgain().catch(() => undefined);
      return [
        ...judgeRedis(facts, store.privateRedis !== null, trouble?.sentence ?? null, redisRestarts),
        ...judgeDamage(damages.all.map((damage) => ({ sentence: damage.message, advice: adviceOn(damage) }))),
      ];
    },
    directories,
    code: { provenance, snapshots: new Snapshots(provenance, config.snapshotLimit) },
    node,
    user: runsAs.name,
    users,
    access: { visibility: config.visibility, rootJobs: config.rootJobs, runsAs, accountNamed },
    peers: new Peers({ users, socketUsers: config.socketUsers, runsAs }),
    gracePeriod: config.gracePeriod,
    hang: config.hang,
    boundsOf: (user) => saidOf(config.users, user) ?? UNBOUNDED,
    limits: {
      setting: config.limits,
      controllers: 'problem' in containment ? [] : containment.controllers,
    },
    containment,
    scheduling: { state: () => scheduler.state },
    ledgerProblem,
    unnoticedLedgerProblem: async () =>
      ledgerProblem() === null ? parts.ledgerWatch.look().catch(() => null) : null,
    readiness,
    meters,
    knownCallers: new KnownCallers(feed, ledgerProblem),
    shutdown,
    notifications: parts.addresses,
    backup: {
      export: () => exportLedger(store.redis),
      import: async (file) => {
        const imported = await importLedger(store.redis, file, log);
        log.warn(imported, 'an export was taken into the ledger');
        await parts.readAnew();
        return imported;
      },
    },
    labels,
    tokenDigest: digestOf(openToken(directories.token)),
  };
}
