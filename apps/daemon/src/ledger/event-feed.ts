import type { Event, EventType, JobId, JobState } from '@berth/contract';
import type { Redis } from 'ioredis';
import type { Logger } from 'pino';
import { RecurringTrouble } from '../recurring-trouble.js';
import { KEYS } from './keys.js';

const BATCH = 1000;
const PAUSE_AFTER_FAILURE_MS = 200;

/** An event as it is stored: with the part that only Berth itself needs. */
export interface LedgerEvent extends Event {
  /** What belongs to the type: a job's needs, a placed attempt or a notice as JSON, the id of a token. */
  more: string | null;
  /** Of what ends an attempt: when that was over, in ms since the epoch. It may have been told of much later. */
  endedAt?: number;
}

type Listener = (events: readonly LedgerEvent[]) => void;

/**
 * Follows the ledger's events and passes them on to all who listen: in batches as they come, many under load, one by
 * one when idle. It begins at the end of the stream, so who listens first and reads the ledger then misses nothing.
 */
export class EventFeed {
  private readonly listeners = new Set<Listener>();
  private readonly redis: Redis;
  private closed = false;
  /** The id of the last event that was passed on. */
  position: string;

  private constructor(redis: Redis, position: string) {
    this.redis = redis;
    this.position = position;
  }

  /** @param redis a connection of its own, for it blocks */
  static async open(redis: Redis, log: Logger): Promise<EventFeed> {
    const [newest] = await redis.xrevrange(KEYS.events, '+', '-', 'COUNT', 1);
    const feed = new EventFeed(redis, newest?.[0] ?? '0-0');
    void feed.follow(log);
    return feed;
  }

  /** @returns a function that ends the listening */
  listen(listener: Listener): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** One that fails takes nothing from the others. */
  private pass(listener: Listener, events: readonly LedgerEvent[], log: Logger): void {
    try {
      listener(events);
    } catch (error) {
      log.error({ error: (error as Error).message }, 'what happened could not be taken in');
    }
  }

  close(): void {
    this.closed = true;
    this.redis.disconnect();
  }

  private async follow(log: Logger): Promise<void> {
    const trouble = new RecurringTrouble(log, {
      begins: 'the events can not be followed; trying again',
      ends: 'the events are followed again',
      level: 'error',
    });
    while (!this.closed) {
      try {
        const reply = await this.redis.xread(
          'COUNT',
          BATCH,
          'BLOCK',
          0,
          'STREAMS',
          KEYS.events,
          this.position,
        );
        const events = (reply?.[0]?.[1] ?? []).map(([id, fields]) => eventFromFields(id, fields));
        this.position = events.at(-1)?.id ?? this.position;
        for (const listener of this.listeners) this.pass(listener, events, log);
        trouble.over();
      } catch (error) {
        if (this.closed) return;
        trouble.tell(error);
        await new Promise((resolve) => setTimeout(resolve, PAUSE_AFTER_FAILURE_MS));
      }
    }
  }
}

/** Which of two events' ids is later, as `sort` wants to know. A number alone is the first of its millisecond. */
export function compareIds(one: string, other: string): number {
  const [ms = '', n = '0'] = one.split('-');
  const [otherMs = '', otherN = '0'] = other.split('-');
  return Number(ms) - Number(otherMs) || Number(n) - Number(otherN);
}

/** An event out of the stream's entry. */
export function eventFromFields(id: string, fields: readonly string[]): LedgerEvent {
  const field: Record<string, string> = {};
  for (let i = 0; i < fields.length; i += 2) field[fields[i] as string] = fields[i + 1] as string;
  return {
    id,
    type: field.type as EventType,
    at: new Date(Number(field.at)).toISOString(),
    ...(field.job
      ? {
          job: field.job as JobId,
          number: Number(field.number),
          state: field.state as JobState,
        }
      : {}),
    ...(field.user ? { user: field.user } : {}),
    ...(field.attempt ? { attempt: Number(field.attempt) } : {}),
    ...(field.rank ? { rank: Number(field.rank) } : {}),
    ...(field.node ? { node: field.node } : {}),
    ...(field.schedule ? { schedule: field.schedule } : {}),
    ...(field.device ? { device: field.device } : {}),
    more: field.more || null,
    ...(field.endedAt ? { endedAt: Number(field.endedAt) } : {}),
  };
}
