import type { PendingReason } from '@berth/contract';
import type { Logger } from 'pino';
import { RecurringTrouble } from '../recurring-trouble.js';

/** They are written at most this often: they are for people. */
const INTERVAL_MS = 50;

/** Why the jobs of each shape wait, as the last decision has it; told to the ledger as far as it has changed. */
export class PendingReasons {
  private readonly write: (changes: ReadonlyMap<string, PendingReason | null>) => Promise<void>;
  private readonly trouble: RecurringTrouble;
  private latest: ReadonlyMap<string, PendingReason> = new Map();
  private noted = new Map<string, string>();
  private timer: NodeJS.Timeout | null = null;

  /** @param write changes the reasons of some shapes in the ledger; null takes one away */
  constructor(write: (changes: ReadonlyMap<string, PendingReason | null>) => Promise<void>, log: Logger) {
    this.write = write;
    this.trouble = new RecurringTrouble(log, {
      begins: 'the pending reasons can not be written',
      ends: 'the pending reasons are written again',
    });
  }

  codeOf(shape: string): PendingReason['code'] | undefined {
    return this.latest.get(shape)?.code;
  }

  /** Writes them at once, unless they were written a moment ago; then the latest of them when that moment is over. */
  note(reasons: ReadonlyMap<string, PendingReason>): void {
    this.latest = reasons;
    if (this.timer) return;
    void this.writeChanges();
    this.timer = setTimeout(() => {
      this.timer = null;
      void this.writeChanges();
    }, INTERVAL_MS);
  }

  /** The ledger may not have what was written. */
  forget(): void {
    this.noted = new Map();
  }

  close(): void {
    if (this.timer) clearTimeout(this.timer);
  }

  private async writeChanges(): Promise<void> {
    const changes = new Map<string, PendingReason | null>();
    for (const [shape, reason] of this.latest) {
      const json = JSON.stringify(reason);
      if (this.noted.get(shape) !== json) changes.set(shape, reason);
      this.noted.set(shape, json);
    }
    for (const shape of this.noted.keys()) {
      if (this.latest.has(shape)) continue;
      changes.set(shape, null);
      this.noted.delete(shape);
    }
    if (changes.size > 0) await this.trouble.through(this.write(changes));
  }
}
