import type { ScheduleId } from '@berth/contract';
import { Queue, Worker } from 'bullmq';
import type { Redis } from 'ioredis';
import { PREFIX } from '../ledger/keys.js';

const QUEUE = 'ticks';
const AT_ONCE = 8;
/**
 * A tick is forgotten once it is dealt with: what came of it the ledger knows, and the id of one that is kept would stand in the way
 * of the same time when the clock is set back.
 */
const OPTIONS = {
  removeOnComplete: true,
  removeOnFail: true,
  attempts: 8,
  backoff: { type: 'exponential', delay: 500 },
};

/**
 * The ticks of all schedules, from BullMQ's job schedulers.
 *
 * A tick only says "look at this schedule": which of its times has come, and whether a job may come of it, the ledger decides. So a
 * tick that is late, doubled, or of a schedule that was deleted does no harm.
 */
export class Ticks {
  private readonly queue: Queue;
  private worker: Worker | null = null;
  private readonly redis: Redis;
  private readonly onError: (error: Error) => void;

  constructor(redis: Redis, onError: (error: Error) => void) {
    this.redis = redis;
    this.onError = onError;
    this.queue = new Queue(QUEUE, { connection: redis, prefix: PREFIX, skipVersionCheck: true });
    this.queue.on('error', onError);
  }

  /** Lets a schedule tick, from now on; what it had of ticks to come is replaced. */
  async set(id: ScheduleId, cron: string, timeZone: string): Promise<void> {
    await this.queue.upsertJobScheduler(
      id,
      { pattern: cron, tz: timeZone },
      { name: 'tick', data: { schedule: id }, opts: OPTIONS },
    );
  }

  async remove(id: ScheduleId): Promise<void> {
    await this.queue.removeJobScheduler(id);
  }

  /** The schedules that tick. */
  async ticking(): Promise<ScheduleId[]> {
    return (await this.queue.getJobSchedulers()).map(({ key }) => key);
  }

  /** @param meet deals with a tick; where it throws, it is called again, a few times, ever later */
  listen(meet: (id: ScheduleId) => Promise<void>): void {
    this.worker = new Worker<{ schedule: ScheduleId }>(QUEUE, (tick) => meet(tick.data.schedule), {
      connection: this.redis,
      prefix: PREFIX,
      skipVersionCheck: true,
      concurrency: AT_ONCE,
    });
    this.worker.on('error', this.onError);
    this.worker.on('failed', (_tick, error) => this.onError(error));
  }

  async close(): Promise<void> {
    await this.worker?.close();
    await this.queue.close();
  }
}
