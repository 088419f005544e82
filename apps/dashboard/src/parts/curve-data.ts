import type { Series } from '@berth/contract';

/** What is along the bottom: what the training counts, time since the attempt began, or the time of day. */
export type Along = 'step' | 'elapsed' | 'clock';

/** Values by their places on an axis; null: no number. */
export type Placed = Map<number, number | null>;

/**
 * An exponential moving average. It begins with the first value instead of with 0, and what is no number it leaves as it is.
 * @param weight of what came before, from 0 (nothing is smoothed) to less than 1
 */
export function smoothed(values: Placed, weight: number): Placed {
  let sum = 0;
  let weights = 0;
  const found: Placed = new Map();
  for (const [place, value] of values) {
    if (value !== null) {
      sum = sum * weight + value * (1 - weight);
      weights = weights * weight + 1 - weight;
    }
    found.set(place, value === null ? null : sum / weights);
  }
  return found;
}

/** Times are known to the second: what was said within one is put one behind the other. */
const APART_SECONDS = 0.001;

/**
 * The points of a series on an axis; those that nobody knows the time of have no place on one of time.
 * @param begin of the attempt, in ms since the epoch
 */
export function placed({ points }: Series, along: Along, begin: number): Placed {
  if (along === 'step') return new Map(points.map(({ x, last }) => [x, last]));
  const found: Placed = new Map();
  let next = Number.NEGATIVE_INFINITY;
  for (const { at, last } of points) {
    if (at === null) continue;
    const place = Math.max(next, (Date.parse(at) - (along === 'elapsed' ? begin : 0)) / 1000);
    found.set(place, last);
    next = place + APART_SECONDS;
  }
  return found;
}

/** Without what a logarithmic axis has no place for. */
export function positive(values: Placed): Placed {
  return new Map([...values].filter(([, value]) => value === null || value > 0));
}
