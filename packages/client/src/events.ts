import type { Event, EventType } from '@berth/contract';
import { backoff, sleep, WATCH_RETRY_SECONDS } from './backoff.js';
import { BerthUnreachable } from './errors.js';
import type { RequestOptions } from './jobs.js';
import { serverSentEvents } from './server-sent-events.js';
import type { Transport } from './transport.js';

/** Connections that broke, one after the other, before an event came: then something is wrong that waiting won't mend. */
const MOST_FRUITLESS_CONNECTIONS = 30;

/** The daemon says something every now and then, if only that it is there: after this long the connection is dead. */
const SILENCE_SECONDS = 60;

export interface EventOptions extends Pick<RequestOptions, 'signal'> {
  /** The `id` of the last event that was seen: it goes on after it. Default: from now on. */
  after?: string | undefined;
  /** Only events of these types. */
  types?: readonly EventType[] | undefined;
  /** Only what happens to these jobs, by id or number. */
  jobs?: readonly (string | number)[] | undefined;
  /** Only what happens to jobs of these users. */
  users?: readonly string[] | undefined;
}

/** Events were missed: the stream doesn't reach back so far any more. What is to be known must be asked for anew. */
export interface EventGap {
  type: 'gap';
  /** From where on the stream goes on; null where the daemon doesn't say. */
  id: string | null;
}

export type StreamedEvent = Event | EventGap;

/**
 * Reads the stream of events (`text/event-stream`, WHATWG HTML section 9.2) for as long as somebody takes them. A connection
 * that breaks is opened again after the last event that was read.
 */
export async function* readEvents(
  transport: Transport,
  { after, types, jobs, users, signal }: EventOptions,
): AsyncGenerator<StreamedEvent, void, undefined> {
  const query = { type: types?.join(','), job: jobs?.join(','), user: users?.join(',') };
  let last = after;
  let fruitless = 0;
  let pauses = backoff(100, 2000);
  for (let isFirst = true; ; isFirst = false) {
    const response = await transport.open({
      path: '/v1/events',
      query,
      headers: { accept: 'text/event-stream', ...(last === undefined ? {} : { 'last-event-id': last }) },
      signal,
      patient: true,
      retrySeconds: isFirst ? undefined : WATCH_RETRY_SECONDS,
    });
    let broken: unknown = null;
    try {
      for await (const { id, event, data } of serverSentEvents(response, SILENCE_SECONDS * 1000)) {
        if (id !== '') last = id;
        const streamed = eventOf(event, id, data);
        if (streamed === null) continue;
        fruitless = 0;
        pauses = backoff(100, 2000);
        yield streamed;
      }
    } catch (error) {
      signal?.throwIfAborted();
      broken = error;
    }
    fruitless += 1;
    if (fruitless > MOST_FRUITLESS_CONNECTIONS) {
      throw new BerthUnreachable(transport.url, 'the stream of events breaks off again and again', {
        cause: broken,
      });
    }
    await sleep(pauses.next().value, signal);
  }
}

/** null: nothing that we know, such as what only keeps the connection open. */
function eventOf(type: string, id: string, data: string): StreamedEvent | null {
  if (type === 'gap') return { type, id: id || null };
  try {
    const event = JSON.parse(data) as Event;
    return typeof event === 'object' && event !== null && 'type' in event ? event : null;
  } catch {
    return null;
  }
}
