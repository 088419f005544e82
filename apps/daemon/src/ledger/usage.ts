import type { JobId, JobState } from '@berth/contract';
import type { Usage } from '@berth/scheduler';
import type { Redis } from 'ioredis';
import { z } from 'zod';
import { repliesTo } from '../redis/pipeline.js';
import type { Damages } from './damage.js';
import { KEYS } from './keys.js';
import { parsedMap } from './parsed-map.js';
import type { RunScript } from './scripts.js';

/** Of how many runs of one name the peaks are kept. */
const PEAKS_KEPT = 10;

const UsedSchema: z.ZodType<Usage & { total: number }> = z.object({
  gpuSeconds: z.number(),
  at: z.number(),
  total: z.number(),
});

/** What users have used, for fair share, and when devices were given back last, in ms since the epoch. */
export interface Past {
  usage: ReadonlyMap<string, Usage & { total: number }>;
  lastUsed: ReadonlyMap<string, number>;
}

/** How busy a device was seen to be while a job held it, in GPU-seconds. */
export interface Activity extends Busyness {
  job: JobId;
  user: string;
  /** UUID. */
  device: string;
}

interface Busyness {
  watched: number;
  /** Of that. */
  idle: number;
}

/** What users and devices have come to, in GPU-seconds. */
export interface Totals {
  users: ReadonlyMap<string, Busyness>;
  /** By UUID; `used` is of attempts that are over. */
  devices: ReadonlyMap<string, Busyness & { used: number }>;
}

/** What a job has come to, in GPU-seconds; `used` is of attempts that are over. */
export interface JobUse extends Busyness {
  job: JobId;
  number: number;
  name: string;
  user: string;
  state: JobState;
  used: number;
}

/** What is over: what users have used, when devices were given back, how much memory jobs had. Attempts that end write it. */
export class UsageLedger {
  private readonly run: RunScript;
  private readonly redis: Redis;

  private readonly damages: Damages;

  constructor(redis: Redis, run: RunScript, damages: Damages) {
    this.redis = redis;
    this.run = run;
    this.damages = damages;
  }

  /** What is over, as far as scheduling cares. */
  async past(): Promise<Past> {
    const [usage, lastUsed] = await Promise.all([
      this.redis.hgetall(KEYS.usage),
      this.redis.hgetall(KEYS.lastUsed),
    ]);
    return {
      usage: parsedMap(usage, UsedSchema, { damages: this.damages, kind: 'usage' }),
      lastUsed: new Map(Object.entries(lastUsed).map(([uuid, at]) => [uuid, Number(at)])),
    };
  }

  /** Adds what was seen of devices that jobs held. @param mark of this call: what is sent twice counts once */
  async noteActivity(mark: string, seen: readonly Activity[]): Promise<void> {
    const figures = seen.flatMap(({ job, user, device, watched, idle }) => [
      job,
      user,
      device,
      watched,
      idle,
    ]);
    await this.run('note_activity', 'devices', mark, ...figures);
  }

  /** What users and devices have come to. */
  async totals(): Promise<Totals> {
    const [activity, used] = await Promise.all([
      this.redis.hgetall(KEYS.activity),
      this.redis.hgetall(KEYS.deviceUse),
    ]);
    const users = new Map<string, Busyness>();
    const devices = new Map<string, Busyness & { used: number }>();
    for (const [uuid, seconds] of Object.entries(used))
      devices.set(uuid, { watched: 0, idle: 0, used: Number(seconds) });
    for (const [field, seconds] of Object.entries(activity)) {
      const [, of, name, what] = /^(user|device) (.*) (watched|idle)$/.exec(field) ?? [];
      if (name === undefined) continue;
      const nothing = { watched: 0, idle: 0, used: 0 };
      const into = of === 'user' ? users : devices;
      into.set(name, { ...nothing, ...into.get(name), [what as keyof Busyness]: Number(seconds) });
    }
    return { users, devices };
  }

  /** What these jobs, and those that have used the most, have come to. @param most how many of the latter */
  async jobs(these: readonly JobId[], most: number): Promise<JobUse[]> {
    const heaviest = await this.redis.zrevrangebyscore(KEYS.jobUse, '+inf', '-inf', 'LIMIT', 0, most);
    const ids = [...new Set([...these, ...(heaviest as JobId[])])];
    const pipeline = this.redis.pipeline();
    for (const id of ids) {
      pipeline.zscore(KEYS.jobUse, id);
      pipeline.hmget(KEYS.job(id), 'number', 'name', 'user', 'state', 'watched', 'idle');
    }
    const replies = await repliesTo(pipeline);
    return ids.flatMap((job, i): JobUse[] => {
      const used = Number(replies[2 * i] ?? 0);
      const [number, name, user, state, watched, idle] = replies[2 * i + 1] as (string | null)[];
      if (!number || name == null || user == null) return [];
      const busyness = { watched: Number(watched ?? 0), idle: Number(idle ?? 0) };
      return [{ job, number: Number(number), name, user, state: state as JobState, used, ...busyness }];
    });
  }

  /** Writes down how much of a device's memory a run had at the most. */
  async notePeak(run: { user: string; name: string; number: number; bytes: number }): Promise<void> {
    const { user, name, number, bytes } = run;
    await this.run('note_peak', user, user, name, number, bytes, PEAKS_KEPT);
  }

  /** What the last runs of a name had of a device's memory at the most, newest first. */
  async peaks(user: string, name: string): Promise<{ number: number; bytes: number }[]> {
    const peaks = await this.redis.hget(KEYS.peaks, `${user}/${name}`);
    return peaks ? (JSON.parse(peaks) as { number: number; bytes: number }[]) : [];
  }
}
