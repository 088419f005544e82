import { EventEmitter } from 'node:events';
import type { JobId } from '@berth/contract';
import type { EventFeed } from './event-feed.js';

/** Tells those who wait for a job that it has changed. */
export class JobWatch {
  private readonly emitter = new EventEmitter().setMaxListeners(0);

  constructor(feed: EventFeed) {
    feed.listen((events) => {
      for (const { job } of events) if (job) this.emitter.emit(job);
    });
  }

  /** Calls `changed` at each change of a job. To miss none, ask for this before reading the job. @returns a function that ends it */
  onChange(job: JobId, changed: () => void): () => void {
    this.emitter.on(job, changed);
    return () => this.emitter.off(job, changed);
  }
}
