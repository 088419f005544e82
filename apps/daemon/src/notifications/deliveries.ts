import type { JobId, Webhook } from '@berth/contract';
import { Queue, UnrecoverableError, Worker } from 'bullmq';
import type { Redis } from 'ioredis';
import type { Logger } from 'pino';
import { PREFIX } from '../ledger/keys.js';
import { warnUnlessUnavailable } from '../ledger/unavailable.js';
import { type Addresses, AddressRefused } from './addresses.js';
import { deliver, type Message, NotTaken } from './deliver.js';

const QUEUE = 'notifications';
const AT_ONCE = 8;
/** The last one comes some hours after the first. */
const ATTEMPTS = 12;
const KEPT = { removeOnComplete: { age: 3600, count: 1000 }, removeOnFail: { age: 7 * 86_400, count: 1000 } };

/** A message on its way. Whom it is for is looked up anew each time, so that no secret lies in the queue. */
export interface Delivery extends Message {
  job: JobId;
  /** Which of the job's webhooks, or of those in the settings. */
  target: { of: 'job' | 'settings'; index: number };
}

/** Messages that are to be delivered, on BullMQ: at least once each, again and again with growing pauses. */
export class Deliveries {
  private readonly queue: Queue<Delivery>;
  private worker: Worker<Delivery> | null = null;
  private readonly redis: Redis;
  private readonly log: Logger;
  private readonly firstRetryMs: number;

  constructor(redis: Redis, firstRetryMs: number, log: Logger) {
    this.redis = redis;
    this.log = log;
    this.firstRetryMs = firstRetryMs;
    this.queue = new Queue(QUEUE, { connection: redis, prefix: PREFIX, skipVersionCheck: true });
    this.queue.on('error', warnUnlessUnavailable(log, 'the queue of notifications failed'));
  }

  /** Adding one twice is adding it once, for as long as it is known. */
  async add(deliveries: readonly Delivery[]): Promise<void> {
    if (deliveries.length === 0) return;
    const backoff = { type: 'exponential', delay: this.firstRetryMs, jitter: 0.3 };
    const entries = deliveries.map((delivery) => ({
      name: delivery.type,
      data: delivery,
      opts: { jobId: delivery.id, attempts: ATTEMPTS, backoff, ...KEPT },
    }));
    await this.queue.addBulk(entries);
  }

  /** @param webhookOf whom a message is for now; null: nobody any more */
  listen(addresses: Addresses, webhookOf: (delivery: Delivery) => Promise<Webhook | null>): void {
    this.worker = new Worker<Delivery>(
      QUEUE,
      async ({ data }) => {
        const webhook = await webhookOf(data);
        if (!webhook) throw new UnrecoverableError('nobody is to be told any more');
        await deliver(addresses, webhook, data).catch((error: unknown) => {
          const forGood =
            error instanceof AddressRefused || (error instanceof NotTaken && error.status === 410);
          throw forGood ? new UnrecoverableError((error as Error).message) : error;
        });
      },
      { connection: this.redis, prefix: PREFIX, skipVersionCheck: true, concurrency: AT_ONCE },
    );
    this.worker.on('error', warnUnlessUnavailable(this.log, 'the queue of notifications failed'));
    this.worker.on('failed', (entry, error) => {
      const { id, attemptsMade, data } = entry ?? {};
      const said = { delivery: id, job: data?.job, attempt: attemptsMade, error: error.message };
      if (entry?.finishedOn) this.log.warn(said, 'a notification could not be delivered; it is given up');
      else this.log.info(said, 'a notification could not be delivered; it is tried again');
    });
  }

  async close(): Promise<void> {
    await this.worker?.close();
    await this.queue.close();
  }
}
