import type { Cause, JobId } from '@berth/contract';
import type { Logger } from 'pino';
import type { Histories } from '../devices/histories.js';
import type { EventFeed, LedgerEvent } from '../ledger/event-feed.js';
import type { Ledger } from '../ledger/ledger.js';
import { type JobRecord, placedAttempt } from '../ledger/record.js';
import { QUICK_SECONDS, type QuickFailures } from './quick-failures.js';

/** Exit codes of a command that is wrong by itself: bad usage, not executable, not found. */
const OWN_FAULT = [2, 126, 127];

/** Watches how jobs end: takes a device out that fails them one after another, and notes what those that succeeded needed. */
export class EndingWatch {
  private readonly ledger: Ledger;
  private readonly failures: QuickFailures;
  private readonly histories: Histories;
  private readonly node: string;
  private readonly log: Logger;

  constructor(options: {
    ledger: Ledger;
    failures: QuickFailures;
    histories: Histories;
    node: string;
    log: Logger;
  }) {
    this.ledger = options.ledger;
    this.failures = options.failures;
    this.histories = options.histories;
    this.node = options.node;
    this.log = options.log;
  }

  start(feed: EventFeed): void {
    feed.listen((events) => {
      const ended = events.filter((event) => event.type === 'job.ended' && event.attempt !== undefined);
      // A success is of interest only to a device that is under suspicion, or where its use of memory was seen.
      const telling = ended.filter(
        ({ job, state }) =>
          state === 'failed' || this.failures.suspects || this.histories.knows(job as JobId),
      );
      if (telling.length === 0) return;
      this.take(telling).catch((error: unknown) =>
        this.log.warn({ error: (error as Error).message }, 'how jobs ended could not be read'),
      );
    });
  }

  private async take(events: readonly LedgerEvent[]): Promise<void> {
    const records = await this.ledger.records(events.map(({ job }) => job as string));
    for (const record of records) {
      await this.judge(record);
      await this.notePeak(record);
    }
  }

  private async notePeak(record: JobRecord): Promise<void> {
    if (record.state !== 'succeeded') return;
    const attempt = Number(record.attempt);
    const run = { job: record.id as JobId, attempt };
    const peaks = placedAttempt(record, attempt).devices.map(({ uuid }) => this.histories.peakOf(run, uuid));
    const bytes = Math.max(0, ...peaks.map((peak) => peak ?? 0));
    const { user, name, number } = record as { user: string; name: string; number: string };
    if (bytes > 0) await this.ledger.usage.notePeak({ user, name, number: Number(number), bytes });
  }

  private async judge(record: JobRecord): Promise<void> {
    const attempt = Number(record.attempt);
    const placed = placedAttempt(record, attempt);
    const [device] = placed.devices;
    // Which of several devices it was can't be told.
    if (placed.node !== this.node || placed.devices.length !== 1 || !device) return;
    const ending = { job: record.id as string, at: Number(record.endedAt) / 1000 };
    const row = this.failures.note(device.uuid, { ...ending, failedQuickly: failedQuickly(record, attempt) });
    if (row === null) return;
    const sentence =
      `${row} different jobs in a row failed within ${QUICK_SECONDS} s of starting on it, while no other device saw the same ` +
      `(the last was job ${record.number}); look at their logs and at the device (berth doctor), then resume it`;
    await this.ledger.devices.drain(device.uuid, { code: 'quick_failures', sentence, by: 'berth' });
    this.log.error({ device: device.uuid }, `a device is taken out of scheduling: ${sentence}`);
  }
}

function failedQuickly(record: JobRecord, attempt: number): boolean {
  if (record.state !== 'failed' || !record.cause) return false;
  const { code, exitCode } = JSON.parse(record.cause) as Cause;
  if (code !== 'exit_code' && code !== 'signal' && code !== 'out_of_memory') return false;
  if (exitCode !== null && OWN_FAULT.includes(exitCode)) return false;
  const startedAt = Number(record[`attempt:${attempt}:startedAt`]);
  return Number(record.endedAt) - startedAt <= QUICK_SECONDS * 1000;
}
