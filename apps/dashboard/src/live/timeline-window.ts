const SECOND_MS = 1000;
const HOUR_MS = 3600 * SECOND_MS;
/** The lengths to choose from. */
export const LENGTHS: Record<string, number> = {
  '1h': HOUR_MS,
  '6h': 6 * HOUR_MS,
  '24h': 24 * HOUR_MS,
  '7d': 168 * HOUR_MS,
};
const FIRST_LENGTH = '6h';
const SHORTEST_MS = 60 * SECOND_MS;

/** The part of the past that the timeline shows, as its address has it. */
export interface TimelineWindow {
  /** One of `LENGTHS`, or seconds such as `90s`. */
  length: string;
  lengthMs: number;
  /** ms since the epoch; null: now, whenever that is. */
  until: number | null;
}

/** @param now ms since the epoch: what is yet to come is shown behind it, and never alone */
export function windowOf(parameters: URLSearchParams, now: number): TimelineWindow {
  const [length, until] = [parameters.get('window') ?? '', Date.parse(parameters.get('until') ?? '')];
  const seconds = Number(/^(\d{1,9})s$/.exec(length)?.[1]) * SECOND_MS;
  const lengthMs = Object.hasOwn(LENGTHS, length) ? (LENGTHS[length] as number) : seconds;
  const known =
    lengthMs >= SHORTEST_MS
      ? { length, lengthMs }
      : { length: FIRST_LENGTH, lengthMs: LENGTHS[FIRST_LENGTH] as number };
  return { ...known, until: until < now ? until : null };
}

/** The address's parameters of a window. */
export const parametersOf = ({
  length,
  until,
}: Pick<TimelineWindow, 'length' | 'until'>): Record<string, string> => ({
  window: length,
  ...(until === null ? {} : { until: new Date(until).toISOString() }),
});

/**
 * A window, moved by half its length: so that what was at one end is then in the middle. It doesn't go past now, where it stays.
 * @param by 1: later, -1: earlier
 * @param now ms since the epoch
 */
export function moved(window: TimelineWindow, by: 1 | -1, now: number): TimelineWindow {
  const until = (window.until ?? now) + (by * window.lengthMs) / 2;
  return { ...window, until: until < now ? until : null };
}

/**
 * A stretch of what is seen, as a window; null: it is yet to come.
 * @param from ms since the epoch
 * @param now likewise: a stretch that reaches further ends there
 */
export function closer(from: number, to: number, now: number): Omit<TimelineWindow, 'lengthMs'> | null {
  const end = Math.min(to, now);
  if (from >= end) return null;
  const seconds = Math.max(Math.ceil((end - from) / SECOND_MS), SHORTEST_MS / SECOND_MS);
  return { length: `${seconds}s`, until: end < now ? end : null };
}
