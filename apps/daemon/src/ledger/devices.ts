import {
  type JobId,
  type ObstacleCode,
  ObstacleCodeSchema,
  type Restart,
  RestartSchema,
  type XidReport,
  XidReportSchema,
} from '@berth/contract';
import type { Redis } from 'ioredis';
import { z } from 'zod';
import { repliesTo } from '../redis/pipeline.js';
import type { DamagedKind, Damages } from './damage.js';
import { KEYS } from './keys.js';
import { parsedMap } from './parsed-map.js';
import type { RunScript } from './scripts.js';

const XIDS_KEPT = 20;
const RESTARTS_KEPT = 20;
const UNREADABLE =
  'why it is kept from jobs can not be read in the ledger any more (noticed then); resume it, or restart berthd, which looks at it anew';

/** A device as its node registered it. */
export interface RegisteredDevice {
  uuid: string;
  index: number;
  node: string;
  /** Of a MIG instance: its place among those of its GPU. */
  instance: number | null;
  memoryBytes: number | null;
  model: string;
  computeCapability: string | null;
  /** How far the other devices of the node are, by their UUIDs. */
  distances: Record<string, number>;
  labels: Record<string, string>;
}

/** Why a device was taken out. */
export interface Drain {
  code: ObstacleCode;
  sentence: string;
  /** A user, or `berth` itself. */
  by: string;
  /** ms since the epoch. */
  since: number;
}

/** What keeps jobs away from a device for now. */
export interface PassingObstacle {
  code: ObstacleCode;
  sentence: string;
  /** ms since the epoch. */
  since: number;
}

/** An attempt that holds a device. */
export interface HolderEntry {
  job: JobId;
  attempt: number;
  /** What it declared of the device's memory; null: it has it to itself. */
  sharedBytes: number | null;
}

/** What the ledger says of devices, by their UUIDs. */
export interface DeviceBook {
  holders: ReadonlyMap<string, readonly HolderEntry[]>;
  drains: ReadonlyMap<string, Drain>;
  obstacles: ReadonlyMap<string, readonly PassingObstacle[]>;
  /** Newest first. */
  xids: ReadonlyMap<string, readonly XidReport[]>;
  /** Of workers, of `redis` and of the `daemon`; newest first. */
  restarts: ReadonlyMap<string, readonly Restart[]>;
}

const DeviceSchema: z.ZodType<RegisteredDevice> = z.object({
  uuid: z.string(),
  index: z.number(),
  node: z.string(),
  instance: z.number().nullable(),
  memoryBytes: z.number().nullable(),
  model: z.string(),
  computeCapability: z.string().nullable(),
  distances: z.record(z.string(), z.number()),
  labels: z.record(z.string(), z.string()),
});
const ObstacleSchema = z.object({ code: ObstacleCodeSchema, sentence: z.string(), since: z.number() });
const DrainSchema: z.ZodType<Drain> = ObstacleSchema.extend({ by: z.string() });
const ObstaclesSchema: z.ZodType<PassingObstacle[]> = z.array(ObstacleSchema);

/** The truth about devices: who holds them, and what keeps jobs away from them. */
export class DeviceLedger {
  private readonly run: RunScript;
  private readonly redis: Redis;
  private readonly damages: Damages;

  constructor(redis: Redis, run: RunScript, damages: Damages) {
    this.redis = redis;
    this.run = run;
    this.damages = damages;
  }

  /** Replaces what is known of a node's devices. */
  async register(node: string, devices: readonly RegisteredDevice[]): Promise<void> {
    await this.run(
      'register_devices',
      node,
      node,
      ...devices.flatMap((device) => [device.uuid, JSON.stringify(device)]),
    );
  }

  /**
   * Takes a device out: nothing is placed on it until it is resumed. The first reason stays.
   * @returns whether it wasn't out before
   * @throws LedgerRefusal `not_found`
   */
  async drain(uuid: string, why: Omit<Drain, 'since'>): Promise<boolean> {
    const { values } = await this.run('drain', uuid, uuid, JSON.stringify(why));
    return values[0] === 'drained';
  }

  /** Gives a device back to scheduling. @throws LedgerRefusal `not_found` */
  async resume(uuid: string): Promise<void> {
    await this.run('resume', uuid, uuid);
  }

  /** Says what keeps jobs away from a device for now; an empty list: nothing does. @throws LedgerRefusal `not_found` */
  async obstruct(uuid: string, obstacles: readonly PassingObstacle[]): Promise<void> {
    await this.run('obstruct', uuid, uuid, obstacles.length > 0 ? JSON.stringify(obstacles) : '');
  }

  /** Writes down an error that the driver reported of a device. */
  async reportXid(uuid: string, report: XidReport): Promise<void> {
    await this.run('report_xid', uuid, uuid, JSON.stringify(report), XIDS_KEPT);
  }

  /** Tells that a device's worker had died and is started again. */
  async noteWorkerRestart(uuid: string, restart: Restart): Promise<void> {
    const told = JSON.stringify(restart);
    await this.run('note_restart', uuid, 'device.worker_restarted', uuid, told, RESTARTS_KEPT);
  }

  /** Tells that a process that isn't a device's had died and was started again. */
  async noteRestart(process: 'redis' | 'daemon', restart: Restart): Promise<void> {
    const told = JSON.stringify(restart);
    await this.run('note_restart', process, `${process}.restarted`, process, told, RESTARTS_KEPT);
  }

  /** All registered devices, of all nodes. */
  async all(): Promise<RegisteredDevice[]> {
    return [...this.parsed(await this.redis.hgetall(KEYS.devices), DeviceSchema, 'device').values()];
  }

  /** All that the ledger says of devices, in one trip. */
  async book(): Promise<DeviceBook> {
    const pipeline = this.redis.pipeline();
    for (const key of [KEYS.allocations, KEYS.drains, KEYS.obstacles, KEYS.xids, KEYS.restarts])
      pipeline.hgetall(key);
    const [holders = {}, drains = {}, obstacles = {}, xids = {}, restarts = {}] =
      await repliesTo<Record<string, string>>(pipeline);
    return {
      holders: holdersFrom(holders),
      drains: this.keeping(drains, DrainSchema, 'drain', (why) => ({ ...why, by: 'berth' })),
      obstacles: this.keeping(obstacles, ObstaclesSchema, 'obstacles', (why) => [why]),
      xids: this.parsed(xids, z.array(XidReportSchema), 'xids'),
      restarts: this.parsed(restarts, z.array(RestartSchema), 'restarts'),
    };
  }

  private parsed<Value>(hash: Record<string, string>, schema: z.ZodType<Value>, kind: DamagedKind) {
    return parsedMap(hash, schema, { damages: this.damages, kind });
  }

  /** With something `instead` of what can't be read: that keeps jobs away, too, as every assignment finds. */
  private keeping<Value>(
    hash: Record<string, string>,
    schema: z.ZodType<Value>,
    kind: DamagedKind,
    instead: (why: PassingObstacle) => Value,
  ): Map<string, Value> {
    const found = this.parsed(hash, schema, kind);
    for (const uuid of Object.keys(hash).filter((each) => !found.has(each))) {
      const since = this.damages.since(kind, uuid);
      found.set(uuid, instead({ code: 'drained', sentence: UNREADABLE, since }));
    }
    return found;
  }
}

export function holdersFrom(hash: Record<string, string>): Map<string, HolderEntry[]> {
  return new Map(Object.entries(hash).map(([uuid, held]) => [uuid, holdersIn(held)]));
}

/** @param held as lua/common.lua writes it (write_holders) */
export function holdersIn(held: string): HolderEntry[] {
  return held
    .split(';')
    .filter(Boolean)
    .map((holder) => {
      const [job, attempt, bytes] = holder.split(' ') as [string, string, string?];
      return { job, attempt: Number(attempt), sharedBytes: bytes === undefined ? null : Number(bytes) };
    });
}
