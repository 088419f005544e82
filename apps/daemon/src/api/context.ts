import type { Socket } from 'node:net';
import type {
  Finding,
  HangPolicy,
  LedgerImport,
  LimitsSetting,
  Shutdown,
  ShutdownMode,
} from '@berth/contract';
import type { Visibility } from '@berth/contract/permission';
import type { SchedulerState } from '@berth/scheduler';
import type { Account, ControlGroups } from '@berth/task-shim';
import type { Provenance } from '../code/provenance.js';
import type { Snapshots } from '../code/snapshot.js';
import type { DataDirectory } from '../data-directory.js';
import type { Histories } from '../devices/histories.js';
import type { DeviceInventory } from '../devices/inventory.js';
import type { Insights } from '../insight/insights.js';
import type { JobWatch } from '../ledger/job-watch.js';
import type { Ledger } from '../ledger/ledger.js';
import type { LedgerProblem } from '../ledger/ledger-watch.js';
import type { ScheduleLedger } from '../ledger/schedules.js';
import type { UserLedger } from '../ledger/users.js';
import type { Exposition } from '../prometheus/exposition.js';
import type { Meters } from '../prometheus/meters.js';
import type { Caller } from './caller.js';
import type { DeviceViews } from './device-views.js';
import type { EventStreams } from './event-stream.js';
import type { Followers } from './followers.js';
import type { KnownCallers, LetIn } from './known-callers.js';
import type { Readiness } from './readiness.js';
import type { RememberedJobs } from './remembered-jobs.js';
import type { UserBounds } from './user-bounds.js';

/** What the daemon's settings and its host say of who may do what. */
export interface AccessSettings {
  readonly visibility: Visibility;
  /** Users whose jobs may run as root, where the daemon does; `*`: all. */
  readonly rootJobs: readonly string[];
  /** The account that the daemon runs as. */
  readonly runsAs: { uid: number; name: string };
  /** An account of this host; null: there is none of that name. */
  accountNamed(name: string): Account | null;
}

/** What the API is made of; a test hands in what it wants. */
export interface ApiContext {
  readonly ledger: Ledger;
  /** What of jobs is remembered while the ledger can't be asked; null: it can. */
  readonly remembered: () => RememberedJobs | null;
  readonly schedules: ScheduleLedger;
  readonly watch: JobWatch;
  readonly followers: Followers;
  readonly events: EventStreams;
  readonly inventory: DeviceInventory;
  readonly devices: DeviceViews;
  readonly histories: Histories;
  readonly insights: Insights;
  /** What Prometheus is told. */
  readonly exposition: Pick<Exposition, 'contentType' | 'text'>;
  readonly meters: Pick<Meters, 'refusedRequest'>;
  /** What a doctor says of Redis. */
  readonly examineRedis: () => Promise<Finding[]>;
  readonly directories: DataDirectory;
  /** What is in the working directories of jobs. */
  readonly code: { readonly provenance: Provenance; readonly snapshots: Snapshots };
  readonly node: string;
  /** The account that the daemon runs as: whose jobs those are that come with the data directory's token. */
  readonly user: string;
  /** Seconds. */
  readonly gracePeriod: number;
  /** What the settings let a user ask for. */
  readonly boundsOf: (user: string) => UserBounds;
  /** What jobs are limited to that say nothing, and what of it this host can keep. */
  readonly limits: { readonly setting: LimitsSetting; readonly controllers: readonly string[] };
  /** Where tasks get control groups, or why nowhere. */
  readonly containment: ControlGroups | { problem: string };
  /** For jobs that say only a part of it. */
  readonly hang: HangPolicy;
  /** What decisions are made from, this very moment: to explain jobs by. */
  readonly scheduling: { state(): SchedulerState };
  /** Which addresses may be told of jobs: why not, or null. */
  readonly notifications: { refusal(url: string): string | null };
  /** Why the ledger can't be asked now; null: it can. */
  readonly ledgerProblem: () => LedgerProblem | null;
  /** Asks Redis whether there is a problem now of which the watch has not noticed anything. */
  readonly unnoticedLedgerProblem: () => Promise<LedgerProblem | null>;
  readonly readiness: Pick<Readiness, 'whyNot'>;
  /** How the daemon is ended. */
  readonly shutdown: {
    readonly asked: ShutdownMode | null;
    begin(jobs: ShutdownMode): Promise<Shutdown>;
    proceed(): void;
  };
  /** The whole ledger, as a file of it has it. */
  readonly backup: {
    export(): AsyncIterable<string>;
    /** @throws ImportRefused */
    import(file: string): Promise<LedgerImport>;
  };
  /** What the owners of devices call them, by UUID. */
  readonly labels: ReadonlyMap<string, Record<string, string>>;
  readonly users: UserLedger;
  readonly access: AccessSettings;
  /** Who was let in lately. */
  readonly knownCallers: Pick<KnownCallers, 'of'>;
  /** Who is known by the unix socket that they came by. */
  readonly peers: {
    callerBehind(socket: Socket, letIn: LetIn): Promise<Caller | null>;
    uidBehind(socket: Socket): number | undefined;
  };
  /** The data directory's token, which is the first admin's, as its SHA-256. */
  readonly tokenDigest: Buffer;
}

declare module 'fastify' {
  interface FastifyInstance {
    context: ApiContext;
  }
}
