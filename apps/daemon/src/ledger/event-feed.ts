import type { Event, EventType, JobId, JobState } from '@berth/contract';
import type { Redis } from 'ioredis';
import { KEYS } from './keys.js';

const BATCH = 1000;

/** An event as it is stored: with the part that only Berth itself needs. */
export interface LedgerEvent extends Event {
  /** JSON that belongs to the type: a job's needs, or a placed attempt. */
  more: string | null;
}

/** The place in the stream behind which nothing is written yet. */
export async function endOfStream(redis: Redis): Promise<string> {
  const [newest] = await redis.xrevrange(KEYS.events, '+', '-', 'COUNT', 1);
  return newest?.[0] ?? '0-0';
}

/**
 * Follows the ledger's events, in batches as they come: many under load, one by one when idle.
 * @param redis a connection of its own, for it blocks
 * @param after where to begin (as `endOfStream` gave it)
 * @returns a function that ends the following
 */
export function followEvents(
  redis: Redis,
  after: string,
  onEvents: (events: LedgerEvent[]) => Promise<void> | void,
  onError: (error: Error) => void,
): () => void {
  let ended = false;
  const follow = async (): Promise<void> => {
    let position = after;
    while (!ended) {
      try {
        const reply = await redis.xread('COUNT', BATCH, 'BLOCK', 0, 'STREAMS', KEYS.events, position);
        const entries = reply?.[0]?.[1] ?? [];
        const events = entries.map(([id, fields]) => eventFromFields(id, fields));
        position = events.at(-1)?.id ?? position;
        if (!ended && events.length > 0) await onEvents(events);
      } catch (error) {
        if (ended) return;
        onError(error as Error);
        await new Promise((resolve) => setTimeout(resolve, 200));
      }
    }
  };
  void follow();
  return () => {
    ended = true;
    redis.disconnect();
  };
}

function eventFromFields(id: string, fields: readonly string[]): LedgerEvent {
  const field = new Map<string, string>();
  for (let i = 0; i < fields.length; i += 2) field.set(fields[i] as string, fields[i + 1] as string);
  const number = (name: string): number | undefined =>
    field.get(name) ? Number(field.get(name)) : undefined;
  const event: LedgerEvent = {
    id,
    type: field.get('type') as EventType,
    at: new Date(Number(field.get('at'))).toISOString(),
    more: field.get('more') || null,
  };
  const known = {
    job: field.get('job') as JobId | undefined,
    number: number('number'),
    state: field.get('state') as JobState | undefined,
    attempt: number('attempt'),
    rank: number('rank'),
    node: field.get('node'),
  };
  return Object.assign(
    event,
    Object.fromEntries(Object.entries(known).filter(([, value]) => value !== undefined)),
  );
}
