import type { Redis } from 'ioredis';
import { repliesTo } from '../redis/pipeline.js';
import { compareIds, eventFromFields, type LedgerEvent } from './event-feed.js';
import { KEYS } from './keys.js';

/** The ledger's past events, as far back as the stream keeps them: the last 100,000 or somewhat more. */
export class EventLog {
  private readonly redis: Redis;

  constructor(redis: Redis) {
    this.redis = redis;
  }

  /**
   * @param id of an event, or `0`: from the first one on
   * @returns what came after it, oldest first; and whether something in between is kept no longer, or the id never was
   */
  async after(id: string, count: number): Promise<{ events: LedgerEvent[]; lost: boolean }> {
    const [exists, entries] = (await repliesTo(
      this.redis.multi().exists(KEYS.events).xrange(KEYS.events, `(${id}`, '+', 'COUNT', count),
    )) as [number, [string, string[]][]];
    if (!exists) return { events: [], lost: compareIds(id, '0') > 0 };
    const stream = facts((await this.redis.xinfo('STREAM', KEYS.events)) as unknown[]);
    const first = (stream.get('first-entry') as [string, unknown] | null)?.[0] ?? null;
    const wholePast = stream.get('entries-added') === stream.get('length');
    const isGone = !wholePast && (first === null || compareIds(id, first) < 0);
    const neverWas = compareIds(id, stream.get('last-generated-id') as string) > 0;
    return {
      events: entries.map(([entry, fields]) => eventFromFields(entry, fields)),
      lost: isGone || neverWas,
    };
  }
}

/** What Redis answers as names and values, one after another. */
function facts(flat: readonly unknown[]): Map<string, unknown> {
  return new Map(Array.from({ length: flat.length / 2 }, (_, i) => [String(flat[2 * i]), flat[2 * i + 1]]));
}
