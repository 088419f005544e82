/** How many wrong tokens an address may send within a minute. */
export const ATTEMPTS = 20;
const WINDOW_MS = 60_000;
/** More than a host talks to, less than would hurt. */
const ADDRESSES_KEPT = 10_000;
const TOKENS_KEPT = 10_000;

/**
 * Counts wrong tokens by address. One that sent too many gets no more of them looked at for a while; those who share the address and
 * have shown a right one before aren't locked out with it: else any process of a host could lock out the others.
 */
export class FailedAttempts {
  private readonly failures = new Map<string, { count: number; until: number }>();
  private readonly proven = new Set<string>();
  private readonly now: () => number;

  constructor(now: () => number = Date.now) {
    this.now = now;
  }

  /** @returns after how many seconds a token of this address is looked at again; 0: now */
  wait(address: string, digest: string): number {
    const failed = this.failures.get(networkOf(address));
    if (!failed || failed.count < ATTEMPTS || failed.until <= this.now() || this.proven.has(digest)) return 0;
    return Math.ceil((failed.until - this.now()) / 1000);
  }

  failed(address: string, digest: string): void {
    this.proven.delete(digest);
    const network = networkOf(address);
    const before = this.failures.get(network);
    const goesOn = before && before.until > this.now();
    this.failures.delete(network);
    this.failures.set(network, {
      count: goesOn ? before.count + 1 : 1,
      until: goesOn ? before.until : this.now() + WINDOW_MS,
    });
    forgetOldest(this.failures, ADDRESSES_KEPT);
  }

  succeeded(digest: string): void {
    if (this.proven.has(digest)) return;
    this.proven.add(digest);
    forgetOldest(this.proven, TOKENS_KEPT);
  }
}

/** Whoever has one address of IPv6 has the 2^64 beside it. */
function networkOf(address: string): string {
  return address.includes(':') && !address.includes('.') ? address.split(':').slice(0, 4).join(':') : address;
}

function forgetOldest(kept: Map<string, unknown> | Set<string>, most: number): void {
  if (kept.size <= most) return;
  const [oldest] = kept.keys();
  kept.delete(oldest as string);
}
