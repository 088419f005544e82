import { EventEmitter } from 'node:events';
import type { JobId, JobState } from '@berth/contract';
import type { EventFeed } from './event-feed.js';

/** Tells those who wait for a job that it has changed. */
export class JobWatch {
  private readonly emitter = new EventEmitter().setMaxListeners(0);

  constructor(feed: EventFeed) {
    feed.listen((events) => {
      for (const { job, state } of events) if (job) this.emitter.emit(job, state);
    });
  }

  /** Calls `changed` at each change of a job, with its state then. To miss none, ask for this before reading the job. @returns a function that ends it */
  onChange(job: JobId, changed: (state: JobState) => void): () => void {
    this.emitter.on(job, changed);
    return () => this.emitter.off(job, changed);
  }
}
