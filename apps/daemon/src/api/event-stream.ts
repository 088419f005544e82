import type { EventType } from '@berth/contract';
import type { FastifyReply } from 'fastify';
import type { LedgerEvent } from '../ledger/event-feed.js';
import type { EventLog } from '../ledger/event-log.js';
import { sentenceOf } from '../ledger/event-sentence.js';
import type { RecentEvents } from '../ledger/recent-events.js';
import { eventText, HEARTBEAT, openStream, PATIENCE_MS, taken } from './sse.js';

const HEARTBEAT_MS = 15_000;
/** How many events are sent before a follower has to have taken them: what bounds its part of the memory. */
const PAGE = 200;
/** How many may read the past from Redis at once. */
const READERS = 8;

/** Which events are wanted; all conditions have to hold, and null holds of all. */
export interface EventFilter {
  jobs: ReadonlySet<string> | null;
  types: ReadonlySet<EventType> | null;
  users: ReadonlySet<string> | null;
  /** Who follows, where they shall see nothing of others. */
  viewer: string | null;
}

/**
 * Sends the ledger's events to those who follow them, each at its own pace: from where it was, out of the stream, until it has
 * caught up; then as they come. Nothing is kept for anybody: who is slow falls behind, and who takes nothing for 20 s is cut off.
 */
export class EventStreams {
  private readonly log: EventLog;
  private readonly recent: RecentEvents;
  private readonly frames = new WeakMap<LedgerEvent, Buffer>();
  /** What the one before was sent, for most are at the same place. */
  private joined: { first: LedgerEvent; count: number; frame: Buffer } | null = null;
  private readonly waiting: (() => void)[] = [];
  private reading = 0;
  private readonly heartbeatMs: number;
  private readonly patienceMs: number;

  constructor(
    log: EventLog,
    recent: RecentEvents,
    {
      heartbeatMs = HEARTBEAT_MS,
      patienceMs = PATIENCE_MS,
    }: { heartbeatMs?: number; patienceMs?: number } = {},
  ) {
    this.log = log;
    this.recent = recent;
    this.heartbeatMs = heartbeatMs;
    this.patienceMs = patienceMs;
    setInterval(() => recent.wake(), heartbeatMs).unref();
  }

  /**
   * Resolves when the follower is gone.
   * @param after the id of the last event that it has; null: it wants what comes
   * @throws what Redis throws; before anything is sent, or else with the connection closed
   */
  async follow(filter: EventFilter, after: string | null, reply: FastifyReply): Promise<void> {
    let position = after ?? this.recent.newest;
    let bell = this.recent.more();
    let page = await this.page(position);
    const response = openStream(reply, position);
    let spoke = performance.now();
    try {
      for (;;) {
        const { events, lost } = page;
        if (lost) {
          response.write(eventText('gap', { after: position, next: events[0]?.id ?? null }));
          // An id from another life of the ledger: nothing will ever come after it.
          if (events.length === 0) position = this.recent.newest;
        }
        const wanted = events.filter((event) => fits(filter, event));
        const isQuiet = wanted.length === 0 && performance.now() - spoke > this.heartbeatMs * 0.9;
        if (isQuiet) response.write(HEARTBEAT);
        if (wanted.length > 0) response.write(this.joinedFrames(wanted, wanted.length === events.length));
        if (wanted.length > 0 || isQuiet) spoke = performance.now();
        position = events.at(-1)?.id ?? position;
        if (!(await taken(response, this.patienceMs))) return;
        if (events.length === 0) await bell;
        // The bell before the look: what comes between the two rings it.
        bell = this.recent.more();
        page = await this.page(position);
      }
    } finally {
      response.destroy();
    }
  }

  private async page(position: string): Promise<{ events: LedgerEvent[]; lost: boolean }> {
    const events = this.recent.after(position, PAGE);
    const isOfThisLedger = events !== null && (events.length > 0 || position === this.recent.newest);
    if (isOfThisLedger) return { events, lost: false };
    if (this.reading >= READERS) await new Promise<void>((resolve) => this.waiting.push(resolve));
    this.reading += 1;
    try {
      return await this.log.after(position, PAGE);
    } finally {
      this.reading -= 1;
      this.waiting.shift()?.();
    }
  }

  /** @param gapless whether these are all there are from the first to the last: as most are sent */
  private joinedFrames(events: readonly LedgerEvent[], gapless: boolean): Buffer {
    const [first] = events as [LedgerEvent];
    const last = this.joined;
    if (gapless && last?.first === first && last.count === events.length) return last.frame;
    const frame = Buffer.concat(events.map((event) => this.frame(event)));
    if (gapless) this.joined = { first, count: events.length, frame };
    return frame;
  }

  private frame(event: LedgerEvent): Buffer {
    const known = this.frames.get(event);
    if (known) return known;
    const { more: _, endedAt: __, ...shown } = event;
    const frame = Buffer.from(eventText(event.type, { ...shown, sentence: sentenceOf(event) }, event.id));
    this.frames.set(event, frame);
    return frame;
  }
}

function fits({ jobs, types, users, viewer }: EventFilter, event: LedgerEvent): boolean {
  const { job, type, user, schedule } = event;
  // What has no owner is everybody's; a schedule's owner isn't told.
  const isOthers = user === undefined ? schedule !== undefined : user !== viewer;
  return (
    (viewer === null || !isOthers) &&
    (jobs === null || (job !== undefined && jobs.has(job))) &&
    (types === null || types.has(type)) &&
    (users === null || (user !== undefined && users.has(user)))
  );
}
