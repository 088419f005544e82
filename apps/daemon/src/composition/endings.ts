/** How what has begun is ended: each part adds its own end where it begins, and the last to begin ends first. */
export class Endings {
  private readonly ends: (() => unknown)[] = [];

  /** @param end is waited for before anything that began earlier is ended */
  add(end: () => unknown): void {
    this.ends.push(end);
  }

  async run(): Promise<void> {
    for (const end of this.ends.splice(0).reverse()) await end();
  }
}
