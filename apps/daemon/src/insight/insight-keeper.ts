import type { Logger } from 'pino';
import type { TaskReference } from '../ledger/task-reference.js';
import { RecurringTrouble } from '../recurring-trouble.js';
import type { Insights } from './insights.js';

/** What the reports of one task may take on the disk before they are taken in. */
const MOST_BYTES = 8 * 2 ** 20;
const EVERY_MS = 10_000;

/** Looks after what running tasks say of their training, whether anybody asks or not. */
export class InsightKeeper {
  private readonly insights: Insights;
  private readonly running: () => readonly TaskReference[];
  private readonly trouble: RecurringTrouble;
  private timer: NodeJS.Timeout | null = null;
  private round: Promise<void> | null = null;

  /** @param running the tasks of this host that run now */
  constructor(insights: Insights, running: () => readonly TaskReference[], log: Logger) {
    this.insights = insights;
    this.running = running;
    this.trouble = new RecurringTrouble(log, {
      begins: 'what tasks say of their training can not be looked after',
      ends: 'what tasks say of their training is looked after again',
    });
  }

  start(): void {
    this.timer = setInterval(() => {
      this.round ??= this.trouble.through(this.insights.attend(this.running(), MOST_BYTES)).finally(() => {
        this.round = null;
      });
    }, EVERY_MS);
  }

  async close(): Promise<void> {
    if (this.timer) clearInterval(this.timer);
    await this.round;
  }
}
