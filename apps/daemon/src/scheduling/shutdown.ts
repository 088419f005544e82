import type { Cause, JobId, Shutdown, ShutdownMode } from '@berth/contract';
import type { Logger } from 'pino';
import type { EventFeed } from '../ledger/event-feed.js';
import type { Ledger } from '../ledger/ledger.js';
import { LedgerRefusal } from '../ledger/refusal.js';
import { whyUnavailable } from '../ledger/unavailable.js';
import type { SchedulerLoop } from './scheduler-loop.js';

const CAUSE: Cause = {
  code: 'user',
  sentence: 'cancelled, for the daemon was shut down',
  rank: null,
  exitCode: null,
  signal: null,
};

/** Ends the daemon on request: at once, or when no job runs any more. */
export class ShutdownKeeper {
  /** Resolves when the daemon is to end. */
  readonly due: Promise<void>;
  private isDue: () => void = () => undefined;
  private mode: ShutdownMode | null = null;
  private stopListening: (() => void) | null = null;
  private readonly options: { ledger: Ledger; scheduler: SchedulerLoop; feed: EventFeed; log: Logger };

  constructor(options: { ledger: Ledger; scheduler: SchedulerLoop; feed: EventFeed; log: Logger }) {
    this.options = options;
    this.due = new Promise((resolve) => {
      this.isDue = resolve;
    });
  }

  /** What was asked for last; null: nothing was. */
  get asked(): ShutdownMode | null {
    return this.mode;
  }

  /** From now on no job starts. A later request replaces an earlier one. */
  async begin(mode: ShutdownMode): Promise<Shutdown> {
    const { scheduler, log } = this.options;
    scheduler.pause();
    this.mode = mode;
    const running = await this.holding();
    log.info({ jobs: mode, running: running.length }, 'a shutdown was asked for; no job starts any more');
    if (mode === 'cancel') for (const job of running) await this.cancel(job);
    return { jobs: mode, running: running.length };
  }

  /** Ends the daemon as soon as it may; its answer to who asked for that is on its way. */
  proceed(): void {
    if (this.mode === 'leave') {
      this.isDue();
      return;
    }
    this.stopListening ??= this.options.feed.listen((events) => {
      if (events.some(({ type }) => type === 'job.ended' || type === 'job.requeued')) this.look();
    });
    this.look();
  }

  close(): void {
    this.stopListening?.();
  }

  private look(): void {
    this.holding().then(
      (left) => {
        if (left.length === 0) this.isDue();
      },
      (error: Error) => this.options.log.warn({ error: error.message }, 'whether jobs run is not known'),
    );
  }

  /** The jobs that hold devices, also those that can't be read. */
  private async holding(): Promise<JobId[]> {
    const { sound, damaged } = await this.options.ledger.holding();
    return [...sound, ...damaged].map(({ id }) => id as JobId);
  }

  private async cancel(job: JobId): Promise<void> {
    try {
      await this.options.ledger.stop(job, 'cancelled', CAUSE);
    } catch (error) {
      // It has ended meanwhile.
      if (error instanceof LedgerRefusal) return;
      if (whyUnavailable(error as Error)) throw error;
      this.options.log.error({ job, error: (error as Error).message }, 'a job could not be cancelled');
    }
  }
}
