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
    // One after another, since what is of interest depends on what came before.
    let before: Promise<void> = Promise.resolve();
    feed.listen((events) => {
      before = before
        .then(() => this.take(events))
        .catch((error: unknown) =>
          this.log.warn({ error: (error as Error).message }, 'how jobs went could not be read'),
        );
    });
  }

  private async take(events: readonly LedgerEvent[]): Promise<void> {
    const telling = this.tellingOf(events);
    if (telling.length === 0) return;
    const records = await this.ledger.records(telling.map(({ job }) => job as string));
    const recordOf = new Map(records.map((record) => [record.id, record]));
    for (const event of telling) {
      const record = recordOf.get(event.job as string);
      if (!record) continue;
      if (event.type === 'job.requeued') this.failures.noteRetry(event.job as string);
      else if (event.type === 'task.started') this.noteStart(record, event);
      else {
        await this.judge(record);
        await this.notePeak(record);
      }
    }
  }

  /** A start, or a success, is of interest only while a device is under suspicion, or where its use of memory was seen. */
  private tellingOf(events: readonly LedgerEvent[]): LedgerEvent[] {
    const isFailure = ({ type, state }: LedgerEvent): boolean => type === 'job.ended' && state === 'failed';
    const suspects = this.failures.suspects || events.some(isFailure);
    return events.filter((event) => {
      if (event.type === 'job.ended' && event.attempt !== undefined)
        return suspects || this.histories.knows(event.job as JobId);
      return (
        suspects && ((event.type === 'task.started' && event.rank === 0) || event.type === 'job.requeued')
      );
    });
  }

  private noteStart(record: JobRecord, { attempt, at }: LedgerEvent): void {
    const device = this.onlyDevice(record, Number(attempt));
    if (device) this.failures.noteStart(device, record.id as string, Date.parse(at) / 1000);
  }

  /** The device of an attempt here that had just one: of several, which it was can't be told. */
  private onlyDevice(record: JobRecord, attempt: number): string | null {
    const { node, devices } = placedAttempt(record, attempt);
    return node === this.node && devices.length === 1 ? (devices[0]?.uuid ?? null) : null;
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
    const device = this.onlyDevice(record, attempt);
    if (!device) return;
    const row = this.failures.note(device, {
      job: record.id as string,
      startedAt: startOf(record, attempt) / 1000,
      at: Number(record.endedAt) / 1000,
      failedQuickly: failedQuickly(record, attempt),
    });
    if (row === null) return;
    const sentence =
      `${row} different jobs in a row failed within ${QUICK_SECONDS} s of starting on it, while no other device saw the same and a job ` +
      `on another one went on (the last was job ${record.number}); look at their logs and at the device (berth doctor), then resume it`;
    await this.ledger.devices.drain(device, { code: 'quick_failures', sentence, by: 'berth' });
    this.log.error({ device }, `a device is taken out of scheduling: ${sentence}`);
  }
}

/** In ms since the epoch. */
const startOf = (record: JobRecord, attempt: number): number =>
  Number(record[`attempt:${attempt}:startedAt`]);

function failedQuickly(record: JobRecord, attempt: number): boolean {
  if (record.state !== 'failed' || !record.cause) return false;
  const { code, exitCode } = JSON.parse(record.cause) as Cause;
  if (code !== 'exit_code' && code !== 'signal' && code !== 'out_of_memory') return false;
  if (exitCode !== null && OWN_FAULT.includes(exitCode)) return false;
  return Number(record.endedAt) - startOf(record, attempt) <= QUICK_SECONDS * 1000;
}
