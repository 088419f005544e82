const KEPT_SECONDS = 86_400;

/** A client's Idempotency-Key, and a digest of what it was sent with. */
export interface Idempotency {
  key: string;
  digest: string;
}

/** As the scripts take it (common.lua, recalled and remember): key, digest, and for how long it is kept. */
export function keyArguments(idempotency: Idempotency | null): [string, string, number] {
  return [idempotency?.key ?? '', idempotency?.digest ?? '', KEPT_SECONDS];
}
