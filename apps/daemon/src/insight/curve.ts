/** A stretch of a curve: what it was at its end, and its extremes. */
export interface Stretch {
  x: number;
  /** When its end was said, in ms since the epoch; null: not known. */
  at: number | null;
  last: number | null;
  min: number | null;
  max: number | null;
}

export interface CurveState {
  stretches: Stretch[];
  perStretch: number;
  inLast: number;
  count: number;
  brokenAt: number | null;
}

const MOST_STRETCHES = 1024;

/** A curve that never grows beyond its bounds: when there are too many stretches, two become one. Extremes and the last stay. */
export class Curve {
  private stretches: Stretch[] = [];
  private perStretch = 1;
  private inLast = 0;
  count = 0;
  /** Where it was first no number (NaN or infinite); null: it always was one. */
  brokenAt: number | null = null;

  /** @param state what `state` gave of another: this one goes on from there */
  constructor(state?: CurveState) {
    Object.assign(this, state);
  }

  /** All that there is of it, as plain values. */
  state(): CurveState {
    const { stretches, perStretch, inLast, count, brokenAt } = this;
    return { stretches: [...stretches], perStretch, inLast, count, brokenAt };
  }

  /** @param at when that was said, in ms since the epoch; null: not known */
  add(x: number, value: number, at: number | null = null): void {
    this.count += 1;
    const isNumber = Number.isFinite(value);
    if (!isNumber) this.brokenAt ??= x;
    const point: Stretch = isNumber
      ? { x, at, last: value, min: value, max: value }
      : { x, at, last: null, min: null, max: null };
    const last = this.stretches.at(-1);
    if (last && this.inLast < this.perStretch) {
      this.stretches[this.stretches.length - 1] = joined(last, point);
      this.inLast += 1;
      return;
    }
    this.stretches.push(point);
    this.inLast = 1;
    if (this.stretches.length > MOST_STRETCHES) this.halve();
  }

  /**
   * @param most how many stretches at the most
   * @param since without those that are known to be from before, in ms since the epoch
   */
  read(most: number, since = 0): Stretch[] {
    let read = since === 0 ? this.stretches : this.stretches.filter(({ at }) => at === null || at >= since);
    while (read.length > most && read.length > 1) read = paired(read);
    return [...read];
  }

  private halve(): void {
    // The last one may be unfinished: it stays by itself, so that all others hold as many points.
    const last = this.stretches.pop() as Stretch;
    this.stretches = [...paired(this.stretches), last];
    this.perStretch *= 2;
  }
}

function paired(stretches: readonly Stretch[]): Stretch[] {
  const pairs: Stretch[] = [];
  for (let i = 0; i < stretches.length; i += 2) {
    const [one, other] = [stretches[i] as Stretch, stretches[i + 1]];
    pairs.push(other ? joined(one, other) : one);
  }
  return pairs;
}

function joined(one: Stretch, other: Stretch): Stretch {
  const most = (pick: (a: number, b: number) => number, a: number | null, b: number | null): number | null =>
    a === null ? b : b === null ? a : pick(a, b);
  return {
    x: other.x,
    at: other.at,
    last: other.last,
    min: most(Math.min, one.min, other.min),
    max: most(Math.max, one.max, other.max),
  };
}
