import { setTimeout as sleep } from 'node:timers/promises';
import type { Holder } from '@berth/contract';
import type { DeviceBook, HolderEntry } from './devices.js';
import type { EventFeed, LedgerEvent } from './event-feed.js';
import type { Ledger } from './ledger.js';
import type { JobRecord } from './record.js';

/** Who holds a device, as the ledger has it: until when, the scheduler knows. */
export type BookedHolder = Omit<Holder, 'latestEnd'> & { number: number; name: string };

/** What the ledger says of devices, with who holds them. */
export interface DeviceBookPage extends Omit<DeviceBook, 'holders'> {
  holders: ReadonlyMap<string, readonly BookedHolder[]>;
}

/** How long a reader waits for the ledger before the page before has to do. */
const PATIENCE_MS = 1500;

/** Keeps what the ledger says of devices at hand: it is read anew only after an event that may have changed it. */
export class DeviceBookView {
  private readonly ledger: Ledger;
  private page: DeviceBookPage | null = null;
  /** The one before, for when the ledger can't be asked. */
  private last: DeviceBookPage | null = null;
  private reading: Promise<DeviceBookPage> | null = null;
  /** Grows with each change. */
  private changes = 0;

  constructor(ledger: Ledger, feed: EventFeed) {
    this.ledger = ledger;
    feed.listen((events) => {
      if (!events.some(concernsDevices)) return;
      this.changes += 1;
      this.page = null;
      this.reading = null;
    });
  }

  /** The page as of the last event, and its version: the same version is the same page. The last one where the ledger is silent. */
  async read(): Promise<{ page: DeviceBookPage; version: number }> {
    const version = this.changes;
    if (this.page) return { page: this.page, version };
    this.reading ??= this.readAnew(version);
    const silence = sleep(PATIENCE_MS, null, { ref: false });
    const page = this.last
      ? ((await Promise.race([this.reading, silence])) ?? this.last)
      : await this.reading;
    return { page, version };
  }

  private async readAnew(version: number): Promise<DeviceBookPage> {
    try {
      const page = await this.fetch();
      // What was read before a change may be from before it.
      if (this.changes === version) this.page = page;
      this.last = page;
      return page;
    } finally {
      if (this.changes === version) this.reading = null;
    }
  }

  /** The page as the ledger has it now, whatever the events have told yet. */
  fresh(): Promise<DeviceBookPage> {
    return this.fetch();
  }

  private async fetch(): Promise<DeviceBookPage> {
    const { holders, ...book } = await this.ledger.devices.book();
    const ids = [...new Set([...holders.values()].flat().map(({ job }) => job))];
    const hashes = await this.ledger.hashes(ids);
    const records = new Map(ids.map((id, i) => [id, hashes[i]]));
    const held = [...holders].map(([uuid, entries]): [string, BookedHolder[]] => {
      const known = entries.flatMap((entry) => holderOf(entry, records.get(entry.job)) ?? []);
      return [uuid, known.sort((one, other) => one.number - other.number)];
    });
    return { ...book, holders: new Map(held) };
  }
}

function holderOf(
  { job, attempt, sharedBytes }: HolderEntry,
  record: JobRecord | undefined,
): BookedHolder | null {
  // It holds its device also where the rest of it can't be read.
  const { [`attempt:${attempt}:placedAt`]: placedAt, number, name, user } = record ?? {};
  if (!Number(placedAt) || !Number(number) || name === undefined || user === undefined) return null;
  const since = new Date(Number(placedAt)).toISOString();
  return { job, number: Number(number), name, user, attempt, since, sharedBytes };
}

function concernsDevices({ type }: LedgerEvent): boolean {
  return (
    type === 'job.placed' ||
    type === 'job.ended' ||
    type === 'job.requeued' ||
    type === 'devices.registered' ||
    type === 'redis.restarted' ||
    type === 'daemon.restarted' ||
    type.startsWith('device.')
  );
}
