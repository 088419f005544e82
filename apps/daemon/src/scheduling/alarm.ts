/** The clock may be set meanwhile: so it is looked at again at least this often. setTimeout couldn't wait for long either. */
const LONGEST_WAIT_MS = 10_000;

/** Calls back at times of the wall clock, also when that is set while we wait. */
export class Alarm {
  private readonly entries = new Map<string, { at: number; ring: () => void }>();
  private timer: NodeJS.Timeout | null = null;
  /** When it rings next. */
  private next = Number.POSITIVE_INFINITY;

  /** @param at ms since the epoch; another time for the same name takes the place of the first */
  set(name: string, at: number, ring: () => void): void {
    this.entries.set(name, { at, ring });
    if (at < this.next) this.arm(at);
  }

  forget(name: string): void {
    // To ring once for nothing costs less than to look for the next entry each time.
    this.entries.delete(name);
  }

  clear(): void {
    this.entries.clear();
    this.arm(Number.POSITIVE_INFINITY);
  }

  private arm(next: number): void {
    if (this.timer) clearTimeout(this.timer);
    this.timer = null;
    this.next = next;
    if (next === Number.POSITIVE_INFINITY) return;
    const wait = Math.min(Math.max(next - Date.now(), 0), LONGEST_WAIT_MS);
    this.timer = setTimeout(() => this.ring(), wait);
  }

  private ring(): void {
    const due = [...this.entries].filter(([, { at }]) => at <= Date.now());
    for (const [name] of due) this.entries.delete(name);
    let next = Number.POSITIVE_INFINITY;
    for (const { at } of this.entries.values()) next = Math.min(next, at);
    this.arm(next);
    for (const [, { ring }] of due) ring();
  }
}
