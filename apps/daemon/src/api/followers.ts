import type { FastifyReply } from 'fastify';
import type { EventFeed } from '../ledger/event-feed.js';
import { type Caller, namesOf } from './caller.js';
import { ApiProblem } from './problem.js';

const RETRY_AFTER_SECONDS = 5;
/** What a timer can wait for. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** No request takes longer from its arrival to being counted here. */
const LONGEST_ARRIVAL_MS = 10 * 60_000;

/**
 * The requests that stay open, for each holds a connection: who follows events or a log, or waits for a job. They are counted, and
 * cut off as soon as who sent them is no longer let in: their token has expired or was revoked, or they were changed themselves.
 * Who is cut off may come back, and is looked at anew.
 */
export class Followers {
  private readonly most: number;
  private readonly there = new Map<FastifyReply, Caller>();
  /** When a user was changed lately, or a token revoked (as `performance.now` says), by the name of the one or the id of the other. */
  private readonly changes = new Map<string, number>();

  constructor(most: number, feed: Pick<EventFeed, 'listen'>) {
    this.most = most;
    feed.listen((events) => {
      for (const { type, user, more } of events) {
        if (type === 'user.changed' && user !== undefined) this.cutOff(more ?? user);
      }
    });
  }

  /**
   * @returns what to call when it is over; calling it again, or when the connection has ended, does nothing
   * @throws ApiProblem `too_many_followers`
   */
  enter(reply: FastifyReply, caller: Caller): () => void {
    if (this.there.size >= this.most) {
      const detail = `${this.most} requests follow or wait already, which is the most (the daemon's setting \`followers\`); try again when one of them has ended`;
      throw new ApiProblem('too_many_followers', detail, undefined, RETRY_AFTER_SECONDS);
    }
    this.there.set(reply, caller);
    const left = caller.expiresAt === null ? LONGEST_TIMER_MS : caller.expiresAt - Date.now();
    const timer = setTimeout(() => reply.raw.destroy(), Math.min(left, LONGEST_TIMER_MS)).unref();
    const leave = (): void => {
      clearTimeout(timer);
      this.there.delete(reply);
    };
    reply.raw.once('close', leave);
    const arrivedAt = performance.now() - reply.elapsedTime;
    // Between being let in and getting here.
    if (namesOf(caller).some((name) => (this.changes.get(name) ?? 0) > arrivedAt)) reply.raw.destroy();
    return leave;
  }

  private cutOff(name: string): void {
    const now = performance.now();
    for (const [other, at] of this.changes) if (at < now - LONGEST_ARRIVAL_MS) this.changes.delete(other);
    this.changes.set(name, now);
    for (const [reply, caller] of this.there) if (namesOf(caller).includes(name)) reply.raw.destroy();
  }
}
