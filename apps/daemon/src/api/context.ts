import type { Finding } from '@berth/contract';
import type { SchedulerState } from '@berth/scheduler';
import type { DataDirectory } from '../data-directory.js';
import type { Histories } from '../devices/histories.js';
import type { DeviceInventory } from '../devices/inventory.js';
import type { Insights } from '../insight/insights.js';
import type { JobWatch } from '../ledger/job-watch.js';
import type { Ledger } from '../ledger/ledger.js';
import type { ScheduleLedger } from '../ledger/schedules.js';
import type { DeviceViews } from './device-views.js';

/** What the API is made of; a test hands in what it wants. */
export interface ApiContext {
  readonly ledger: Ledger;
  readonly schedules: ScheduleLedger;
  readonly watch: JobWatch;
  readonly inventory: DeviceInventory;
  readonly devices: DeviceViews;
  readonly histories: Histories;
  readonly insights: Insights;
  /** What a doctor says of Redis. */
  readonly examineRedis: () => Promise<Finding[]>;
  readonly directories: DataDirectory;
  readonly node: string;
  /** The user whose jobs these are, until there are several. */
  readonly user: string;
  /** Seconds. */
  readonly gracePeriod: number;
  /** What decisions are made from, this very moment: to explain jobs by. */
  readonly scheduling: { state(): SchedulerState };
  /** What the owners of devices call them, by UUID. */
  readonly labels: ReadonlyMap<string, Record<string, string>>;
  /** The only token there is, as its SHA-256. */
  readonly tokenDigest: Buffer;
}

declare module 'fastify' {
  interface FastifyInstance {
    context: ApiContext;
  }
}
