import type { Cause, JobId, Webhook } from '@berth/contract';
import type { Redis } from 'ioredis';
import type { Logger } from 'pino';
import { eventFromFields, type LedgerEvent } from '../ledger/event-feed.js';
import { KEYS } from '../ledger/keys.js';
import type { Ledger } from '../ledger/ledger.js';
import { type JobRecord, specOf } from '../ledger/record.js';
import { RecurringTrouble } from '../recurring-trouble.js';
import type { Addresses } from './addresses.js';
import type { Deliveries, Delivery } from './deliveries.js';
import { bodyOf, nameOf, wants } from './message.js';

const BATCH = 500;
const NOTING_MS = 1000;
const PAUSE_AFTER_FAILURE_MS = 500;
const TELLING = new Set(['task.started', 'job.ended', 'job.requeued', 'job.noticed']);

interface Options {
  ledger: Ledger;
  /** A connection of its own, for it blocks. */
  redis: Redis;
  deliveries: Deliveries;
  addresses: Addresses;
  /** Those of the settings: they hear of every job. */
  webhooks: readonly Webhook[];
  log: Logger;
}

/**
 * Turns what happens to jobs into messages for those who asked to be told.
 *
 * Up to where the stream of events was read is written down after the messages are in their queue: so what happened while no daemon
 * ran is told later. What is read twice for that has the same ids, and is in the queue once.
 */
export class Notifier {
  private readonly options: Options;
  private closed = false;
  private position = '0-0';
  private noting: NodeJS.Timeout | null = null;
  private following: Promise<void> = Promise.resolve();
  private readonly noteTrouble: RecurringTrouble;

  constructor(options: Options) {
    this.options = options;
    this.noteTrouble = new RecurringTrouble(options.log, {
      begins: 'up to where notifications were made can not be written down',
      ends: 'up to where notifications were made is written down again',
    });
  }

  async start(): Promise<void> {
    const { redis, ledger, deliveries, addresses } = this.options;
    const [newest] = await redis.xrevrange(KEYS.events, '+', '-', 'COUNT', 1);
    const known = await redis.get(KEYS.notified);
    const position = known ?? newest?.[0] ?? '0-0';
    // What happens from now on is to be told, even if this daemon doesn't live to see it.
    if (known === null) await ledger.noteNotified(position);
    deliveries.listen(addresses, (delivery) => this.webhookOf(delivery));
    this.following = this.follow(position);
  }

  async close(): Promise<void> {
    this.closed = true;
    this.options.redis.disconnect();
    await this.following;
    if (this.noting) {
      clearTimeout(this.noting);
      await this.writePosition();
    }
    await this.options.deliveries.close();
  }

  private async follow(from: string): Promise<void> {
    const { redis, log } = this.options;
    const trouble = new RecurringTrouble(log, {
      begins: 'who is to be told can not be found out; trying again',
      ends: 'who is to be told is found out again',
    });
    let position = from;
    while (!this.closed) {
      try {
        const reply = await redis.xread('COUNT', BATCH, 'BLOCK', 0, 'STREAMS', KEYS.events, position);
        const events = (reply?.[0]?.[1] ?? []).map(([id, fields]) => eventFromFields(id, fields));
        const last = events.at(-1);
        if (!last) continue;
        await this.tell(events.filter(({ type }) => TELLING.has(type)));
        position = last.id;
        this.notePosition(position);
        trouble.over();
      } catch (error) {
        if (this.closed) return;
        trouble.tell(error);
        await new Promise((resolve) => setTimeout(resolve, PAUSE_AFTER_FAILURE_MS));
      }
    }
  }

  /** A moment later, for many events at once: each write waits for the disk, and all who write wait with it. */
  private notePosition(position: string): void {
    this.position = position;
    this.noting ??= setTimeout(() => {
      this.noting = null;
      void this.writePosition();
    }, NOTING_MS);
  }

  private async writePosition(): Promise<void> {
    await this.noteTrouble.through(this.options.ledger.noteNotified(this.position));
  }

  private async tell(events: readonly LedgerEvent[]): Promise<void> {
    if (events.length === 0) return;
    const { ledger, deliveries } = this.options;
    const ids = [...new Set(events.map(({ job }) => job as JobId))];
    const records = new Map((await ledger.records(ids)).map((record) => [record.id as JobId, record]));
    const messages: Delivery[] = [];
    for (const event of events) {
      const record = records.get(event.job as JobId);
      if (record) messages.push(...(await this.messagesFor(event, record)));
    }
    await deliveries.add(messages);
  }

  private async messagesFor(event: LedgerEvent, record: JobRecord): Promise<Delivery[]> {
    const own = specOf(record).notify;
    const { webhooks, ledger } = this.options;
    if (own.length + webhooks.length === 0) return [];
    const said =
      record[`attempt:${event.attempt}:cause`] ?? (event.type === 'job.ended' ? record.cause : undefined);
    const cause = said ? (JSON.parse(said) as Cause) : null;
    const name = nameOf(event, cause);
    const targets = [
      ...own.map(({ events }, index) => ({ events, target: { of: 'job' as const, index } })),
      ...webhooks.map(({ events }, index) => ({ events, target: { of: 'settings' as const, index } })),
    ].filter(({ events }) => name !== null && wants(events, name));
    const job = targets.length > 0 ? await ledger.job(event.job as JobId) : null;
    if (!job || name === null) return [];
    return targets.map(({ target }) => {
      const id = `${event.id}.${target.of}.${target.index}`;
      const body = bodyOf({ id, name, event, cause, job: { ...job, state: event.state ?? job.state } });
      return { id, type: `job.${name}`, body, job: job.id, target };
    });
  }

  private async webhookOf({ job, target }: Delivery): Promise<Webhook | null> {
    if (target.of === 'settings') return this.options.webhooks[target.index] ?? null;
    const record = await this.options.ledger.record(job);
    return record ? (specOf(record).notify[target.index] ?? null) : null;
  }
}
