/** Readings that lie closer together tell no more than the later one of them, in ms. */
const CLOSEST_MS = 500;
/** The pace is that of so long, in ms, or of the last readings where they are rarer. */
const WINDOW_MS = 120_000;
const FEWEST_READINGS = 3;

/** How fast a training goes on, by when it said how far it is. Times in ms since the epoch. */
export class Pace {
  private readings: { at: number; fraction: number }[] = [];

  /** Takes a reading: at a time, this much from 0 to 1 was done. */
  add(at: number, fraction: number): void {
    const { readings } = this;
    const last = readings.at(-1);
    // It has begun anew, or a clock was set.
    if (last && (fraction < last.fraction || at < last.at)) readings.length = 0;
    const before = readings.at(-2);
    if (before && last && last.at - before.at < CLOSEST_MS) readings.pop();
    readings.push({ at, fraction });
    while (readings.length > FEWEST_READINGS && (readings[0]?.at as number) < at - WINDOW_MS)
      readings.shift();
  }

  /**
   * Seconds that are left, or null where no pace is known yet. Between two readings they run down, by no more than the readings are
   * usually apart: one that is overdue tells nothing.
   * @param startedAt when the training began: what the pace is told by until there are three readings
   */
  secondsLeft(startedAt: number, now: number): number | null {
    const { readings } = this;
    const last = readings.at(-1);
    if (!last) return null;
    const enough = readings.length >= FEWEST_READINGS;
    const first = enough ? (readings[0] as typeof last) : { at: startedAt, fraction: 0 };
    const [took, done] = [last.at - first.at, last.fraction - first.fraction];
    if (took <= 0 || done <= 0) return null;
    const left = (took * (1 - last.fraction)) / done;
    const apart = took / (enough ? readings.length - 1 : readings.length);
    return Math.max(left - Math.min(now - last.at, apart), 0) / 1000;
  }
}
