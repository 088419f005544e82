import type { Logger } from 'pino';

const AGAIN_AFTER_MS = 60_000;

/**
 * Trouble of something that is tried again and again. The log has it when it begins, once a minute while it goes on (with how many
 * times it came), and when it is over; what fails every other time is no more than a line a minute, too.
 */
export class RecurringTrouble {
  private readonly log: Logger;
  private readonly level: 'warn' | 'error';
  private readonly begins: string;
  private readonly ends: string | null;
  /** A clock that only counts, in ms. */
  private readonly now: () => number;
  private times = 0;
  private isTold = false;
  private toldAt = Number.NEGATIVE_INFINITY;

  /** @param ends null: nobody says when it is over */
  constructor(
    log: Logger,
    {
      begins,
      ends,
      level = 'warn',
      now = () => performance.now(),
    }: { begins: string; ends: string | null; level?: 'warn' | 'error'; now?: () => number },
  ) {
    this.log = log;
    this.level = level;
    this.begins = begins;
    this.ends = ends;
    this.now = now;
  }

  /** It failed once more. @param about what it was, where that isn't always the same */
  tell(error: unknown, about: object = {}): void {
    this.times += 1;
    if (this.now() - this.toldAt < AGAIN_AFTER_MS) return;
    this.toldAt = this.now();
    this.isTold = true;
    const times = this.times > 1 ? { times: this.times } : {};
    this.log[this.level]({ ...about, error: (error as Error).message, ...times }, this.begins);
  }

  /** Sees work through, and takes note of how it went. */
  async through(work: Promise<unknown>): Promise<void> {
    await work.then(
      () => this.over(),
      (error: unknown) => this.tell(error),
    );
  }

  /** It went well. */
  over(about: object = {}): void {
    if (this.isTold && this.ends !== null) this.log.info({ ...about, failures: this.times }, this.ends);
    this.isTold = false;
    this.times = 0;
  }
}
