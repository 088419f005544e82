/** What a user has used: GPU-seconds, those of long ago counting less. */
export interface Usage {
  readonly gpuSeconds: number;
  /** As of this time, in ms since the epoch. */
  readonly at: number;
}

/** What usage is worth at a later time: half, after each half-life. */
export function decayed({ gpuSeconds, at }: Usage, now: number, halfLifeSeconds: number): number {
  return gpuSeconds * 0.5 ** (Math.max(now - at, 0) / 1000 / halfLifeSeconds);
}

/**
 * What holding devices from `since` until `now` is worth at `now`: each moment decays from when it was, so this is the
 * integral of `gpus` times the decay. The ledger's `end_attempt` (lua/common.lua) computes the same.
 */
export function worth(gpus: number, since: number, now: number, halfLifeSeconds: number): number {
  const halfLives = Math.max(now - since, 0) / 1000 / halfLifeSeconds;
  return ((gpus * halfLifeSeconds) / Math.LN2) * (1 - 0.5 ** halfLives);
}

/** A user's usage once an allocation is over, also where others of theirs that ended later were charged before. @param at its end, in ms since the epoch */
export function charge(
  usage: Usage | undefined,
  { gpus, since }: { gpus: number; since: number },
  at: number,
  halfLifeSeconds: number,
): Usage {
  const own = { gpuSeconds: worth(gpus, since, at, halfLifeSeconds), at };
  const latest = Math.max(at, usage?.at ?? at);
  const before = usage ? decayed(usage, latest, halfLifeSeconds) : 0;
  return { gpuSeconds: before + decayed(own, latest, halfLifeSeconds), at: latest };
}
