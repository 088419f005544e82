import type { Usage } from '@berth/scheduler';
import type { Redis } from 'ioredis';
import { KEYS } from './keys.js';
import { parsedMap } from './parsed-map.js';
import type { RunScript } from './scripts.js';

/** Of how many runs of one name the peaks are kept. */
const PEAKS_KEPT = 10;

/** What users have used, for fair share, and when devices were given back last, in ms since the epoch. */
export interface Past {
  usage: ReadonlyMap<string, Usage & { total: number }>;
  lastUsed: ReadonlyMap<string, number>;
}

/** What is over: what users have used, when devices were given back, how much memory jobs had. Attempts that end write it. */
export class UsageLedger {
  private readonly run: RunScript;
  private readonly redis: Redis;

  constructor(redis: Redis, run: RunScript) {
    this.redis = redis;
    this.run = run;
  }

  /** What is over, as far as scheduling cares. */
  async past(): Promise<Past> {
    const [usage, lastUsed] = await Promise.all([
      this.redis.hgetall(KEYS.usage),
      this.redis.hgetall(KEYS.lastUsed),
    ]);
    return {
      usage: parsedMap(usage),
      lastUsed: new Map(Object.entries(lastUsed).map(([uuid, at]) => [uuid, Number(at)])),
    };
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
