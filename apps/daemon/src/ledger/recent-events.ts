import { compareIds, type EventFeed, type LedgerEvent } from './event-feed.js';

/** How many are kept at the least, once there were so many. */
const KEPT = 5000;

/** The newest events, in memory: many can follow, each at its own pace, and nobody asks Redis for what came a moment ago. */
export class RecentEvents {
  private readonly feed: Pick<EventFeed, 'position'>;
  private readonly kept: LedgerEvent[] = [];
  /** The id before the first one that is kept. */
  private before: string;
  private ring = (): void => undefined;
  private bell: Promise<void>;

  constructor(feed: Pick<EventFeed, 'position' | 'listen'>) {
    this.feed = feed;
    this.before = feed.position;
    this.bell = this.nextBell();
    feed.listen((events) => {
      this.kept.push(...events);
      if (this.kept.length >= 2 * KEPT) {
        const [last] = this.kept.splice(0, this.kept.length - KEPT).slice(-1);
        this.before = last?.id ?? this.before;
      }
      this.wake();
    });
  }

  /** The id of the newest event. */
  get newest(): string {
    return this.kept.at(-1)?.id ?? this.feed.position;
  }

  /** What came after an id, oldest first; null: that is longer ago than what is kept here. */
  after(id: string, count: number): LedgerEvent[] | null {
    if (compareIds(id, this.before) < 0) return null;
    let low = 0;
    for (let high = this.kept.length; low < high; ) {
      const middle = (low + high) >> 1;
      if (compareIds((this.kept[middle] as LedgerEvent).id, id) <= 0) low = middle + 1;
      else high = middle;
    }
    return this.kept.slice(low, low + count);
  }

  /** Resolves when there is more, or somebody wakes all who wait. */
  more(): Promise<void> {
    return this.bell;
  }

  wake(): void {
    this.ring();
    this.bell = this.nextBell();
  }

  private nextBell(): Promise<void> {
    return new Promise((resolve) => {
      this.ring = resolve;
    });
  }
}
