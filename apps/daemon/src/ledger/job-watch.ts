import { EventEmitter } from 'node:events';
import type { JobId } from '@berth/contract';
import type { Redis } from 'ioredis';
import type { Logger } from 'pino';
import { endOfStream, followEvents } from './event-feed.js';

/** Tells those who wait for a job that it has changed: one reader of the stream for all of them. */
export class JobWatch {
  private readonly emitter = new EventEmitter().setMaxListeners(0);
  private readonly stop: () => void;

  private constructor(stop: (emitter: EventEmitter) => () => void) {
    this.stop = stop(this.emitter);
  }

  /** @param redis a connection of its own */
  static async open(redis: Redis, log: Logger): Promise<JobWatch> {
    const position = await endOfStream(redis);
    return new JobWatch((emitter) =>
      followEvents(
        redis,
        position,
        (events) => {
          for (const { job } of events) if (job) emitter.emit(job);
        },
        (error) => log.error({ error: error.message }, 'watching the events failed; trying again'),
      ),
    );
  }

  /** Calls `changed` at each change of a job. To miss none, ask for this before reading the job. @returns a function that ends it */
  onChange(job: JobId, changed: () => void): () => void {
    this.emitter.on(job, changed);
    return () => this.emitter.off(job, changed);
  }

  close(): void {
    this.stop();
  }
}
