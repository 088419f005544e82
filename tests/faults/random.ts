/** Chance that can be had again: the same seed gives the same choices. */
export class Random {
  private state: number;

  /** @param purpose so that one part's choices don't depend on how many another part made */
  constructor(seed: number, purpose: string) {
    this.state = seed >>> 0;
    for (const letter of purpose) this.state = Math.imul(this.state ^ letter.charCodeAt(0), 0x9e3779b1) >>> 0;
  }

  /** From 0 up to 1 (Mulberry32). */
  next(): number {
    this.state = (this.state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(this.state ^ (this.state >>> 15), 1 | this.state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  between(low: number, high: number): number {
    return low + this.next() * (high - low);
  }

  /** A whole number from `low` to `high`, both included. */
  whole(low: number, high: number): number {
    return Math.floor(this.between(low, high + 1));
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  inAnyOrder<T>(all: readonly T[]): T[] {
    const left = [...all];
    return all.flatMap(() => left.splice(Math.floor(this.next() * left.length), 1));
  }

  /** One of them; undefined where there are none. */
  one<T>(from: readonly T[]): T | undefined {
    return from[Math.floor(this.next() * from.length)];
  }
}
