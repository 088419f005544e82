import { Curve, type CurveState, type Stretch } from './curve.js';
import { type Observation, SOURCES, type Source } from './formats.js';
import { Pace } from './pace.js';

/** How far a training is, as its output has it. */
export interface Progress {
  /** From 0 to 1. */
  fraction: number;
  done: number;
  total: number;
  unit: 'epochs' | 'steps';
  /** As the program says; null: it doesn't. */
  etaSeconds: number | null;
  source: Source;
}

export interface Series {
  name: string;
  source: Source;
  /** What its x counts. */
  axis: 'step' | 'epoch';
  count: number;
  last: number | null;
  brokenAt: number | null;
  points: Stretch[];
}

interface Place {
  axis: 'step' | 'epoch';
  x: number;
}

interface KnownSeries {
  source: Source;
  axis: 'step' | 'epoch';
  curve: Curve;
  last: number;
}

/** All that there is of a training, as JSON can say it. */
export interface TrainingState {
  /** A `last` of null is no number. */
  series: [
    name: string,
    series: Omit<KnownSeries, 'curve' | 'last'> & { curve: CurveState; last: number | null },
  ][];
  /** Names that found no place among the series. */
  dropped?: string[];
  reached: Progress | null;
  firstEpoch: number | null;
  epochs: { epoch: number; of: number } | null;
  steps: [counter: string, StepCount][];
  bars?: Bars;
}

/** Bars of loops within each other: how far the outermost is, and how long the one inside. */
interface Bars {
  outer: { step: number; steps: number } | null;
  innerSteps: number | null;
}

interface StepCount {
  last: number;
  base: number;
  epoch: number | null;
}

/** So many names are a program's mistake. */
const MOST_SERIES = 64;
/** So many of the others are told apart, to be counted. */
const MOST_DROPPED = 1000;
/** What is more is no count, but a mistake, on which all that follows would pile up. */
const LARGEST_COUNT = 1e15;

const better = (one: Source, other: Source): boolean => SOURCES.indexOf(one) > SOURCES.indexOf(other);

/** What a training says of itself, put together: one curve for each name, from the best source that has it. */
export class Training {
  private readonly known = new Map<string, KnownSeries>();
  private readonly dropped = new Set<string>();
  /** How fast it goes on. */
  readonly pace = new Pace();
  private reached: Progress | null = null;
  private firstEpoch: number | null = null;
  private epochs: { epoch: number; of: number } | null = null;
  private readonly steps = new Map<string, StepCount>();
  private bars: Bars = { outer: null, innerSteps: null };

  /** @param state what `state` gave of another: this one goes on from there */
  constructor(state?: TrainingState) {
    if (!state) return;
    const { series, dropped = [], reached, firstEpoch, epochs, steps, bars = this.bars } = state;
    for (const [name, { curve, last, ...known }] of series)
      this.known.set(name, { ...known, curve: new Curve(curve), last: last ?? Number.NaN });
    for (const name of dropped) this.dropped.add(name);
    for (const [counter, count] of steps) this.steps.set(counter, count);
    Object.assign(this, { reached, firstEpoch, epochs, bars });
  }

  /** All that there is of it, but its pace, which tells itself again soon. */
  state(): TrainingState {
    const { known, dropped, reached, firstEpoch, epochs, steps, bars } = this;
    const series = [...known].map(([name, { curve, last, ...each }]): TrainingState['series'][0] => [
      name,
      { ...each, curve: curve.state(), last: Number.isFinite(last) ? last : null },
    ]);
    return { series, dropped: [...dropped], reached, firstEpoch, epochs, steps: [...steps], bars };
  }

  /** @param at when it was said, in ms since the epoch; null: not known */
  take(said: Observation, at: number | null = null): void {
    if (said.source !== 'tensorboard' && !isPossible(said)) return;
    const seen = this.isClosingOfInner(said) ? { ...said, level: 1 } : said;
    const { source, epoch, epochs } = seen;
    if (epoch !== undefined) this.firstEpoch ??= epoch;
    if (epoch !== undefined && epochs !== undefined) this.epochs = { epoch, of: epochs };
    this.advance(seen, at);
    const place = this.placeOf(seen);
    if (!place) return;
    for (const [name, value] of Object.entries(seen.metrics)) this.add(name, source, { ...place, at }, value);
  }

  /** How far it is. */
  get progress(): Progress | null {
    return this.reached;
  }

  /** How many names there were beyond those of the series; of very many, so many at the least. */
  get droppedSeries(): number {
    return this.dropped.size;
  }

  /**
   * @param names which; null: all
   * @param most how many points of each
   * @param since without those of which is known that they were said before, in ms since the epoch
   */
  series(names: readonly string[] | null, most: number, since = 0): Series[] {
    return [...this.known]
      .filter(([name]) => names === null || names.includes(name))
      .map(([name, { source, axis, curve, last }]) => ({
        name,
        source,
        axis,
        count: curve.count,
        last: Number.isFinite(last) ? last : null,
        brokenAt: curve.brokenAt,
        points: curve.read(most, since),
      }));
  }

  private add(
    name: string,
    source: Source,
    { axis, x, at }: Place & { at: number | null },
    value: number,
  ): void {
    let known = this.known.get(name);
    if (known && better(known.source, source)) return;
    if (!known || better(source, known.source)) {
      if (!known && this.known.size >= MOST_SERIES) {
        if (this.dropped.size < MOST_DROPPED) this.dropped.add(name);
        return;
      }
      known = { source, axis, curve: new Curve(), last: value };
      this.known.set(name, known);
    }
    known.curve.add(x, value, at);
    known.last = value;
  }

  /** Where on its axis an observation lies. Steps that begin anew with each epoch go on counting. */
  private placeOf({ source, level, epoch, step, steps }: Observation): Place | null {
    // Its steps are those of all epochs, and each name has its own.
    if (source === 'tensorboard') return step === undefined ? null : { axis: 'step', x: step };
    if (step === undefined) {
      if (epoch !== undefined) return { axis: 'epoch', x: epoch };
      const counted = this.steps.get(source);
      return counted ? { axis: 'step', x: counted.base + counted.last } : null;
    }
    const counter = level ? `${source} ${level}` : source;
    const before = this.steps.get(counter) ?? { last: 0, base: 0, epoch: null };
    const isNewEpoch = epoch !== undefined && before.epoch !== null && epoch > before.epoch;
    const restarts = step < before.last && (isNewEpoch || epoch === undefined);
    const base = restarts
      ? before.base + (steps !== undefined ? Math.max(steps, before.last) : before.last)
      : before.base;
    // Lightning puts its bar back to 0 before it says that the next epoch has begun.
    const last = epoch !== undefined && epoch === before.epoch ? Math.max(step, before.last) : step;
    this.steps.set(counter, { last, base, epoch: epoch ?? before.epoch });
    return { axis: 'step', x: base + last };
  }

  /** When a loop inside ends, tqdm draws its bar a last time where the outermost has its place. */
  private isClosingOfInner({ source, level, step, steps }: Observation): boolean {
    const { outer, innerSteps } = this.bars;
    if (source !== 'bar' || level || !outer || step !== steps || steps !== innerSteps) return false;
    return steps !== outer.steps || outer.step + 1 < outer.steps;
  }

  private advance(seen: Observation, at: number | null): void {
    const { source, level, epoch, epochs, step, steps, etaSeconds } = seen;
    if (this.reached && better(this.reached.source, source) && this.reached.source === 'report') return;
    const inner = step !== undefined && steps ? Math.min(step / steps, 1) : null;
    const of = epochs ?? this.epochs?.of;
    const current = epoch ?? (inner === null ? undefined : this.epochs?.epoch);
    if (of && current !== undefined) {
      // With steps inside, an epoch is under way; without, its line is printed when it is over.
      const done =
        inner === null
          ? current + (this.firstEpoch === 0 ? 1 : 0)
          : current - (this.firstEpoch === 0 ? 0 : 1) + inner;
      this.note({ done, total: of, unit: 'epochs', etaSeconds: null, source }, at);
    } else if (inner !== null && steps && level) {
      const { outer } = this.bars;
      if (level > 1 || !outer) return;
      this.bars.innerSteps = steps;
      const done = Math.min(outer.step + inner, outer.steps);
      this.note({ done, total: outer.steps, unit: 'steps', etaSeconds: null, source }, at);
    } else if (inner !== null && steps && epoch === undefined) {
      // Where epochs are told, what is printed of steps alone is of one of them.
      if (source === 'print' && this.firstEpoch !== null) return;
      if (source === 'bar') this.bars.outer = { step: step as number, steps };
      const progress = { done: step as number, total: steps, unit: 'steps' as const, source };
      this.note({ ...progress, etaSeconds: etaSeconds ?? null }, at);
    }
  }

  private note(progress: Omit<Progress, 'fraction'>, at: number | null): void {
    // A bar inside an epoch doesn't tell how far all of it is, once epochs are known.
    if (this.reached?.unit === 'epochs' && progress.unit === 'steps' && progress.source !== 'report') return;
    const fraction = Math.max(progress.done / progress.total, 0);
    // It goes on beyond what it called its end: nobody knows how far it is.
    if (fraction > 1) {
      this.reached = null;
      return;
    }
    this.reached = { fraction, ...progress };
    if (at !== null) this.pace.add(at, fraction);
  }
}

const isPossible = ({ epoch = 0, step = 0 }: Observation): boolean =>
  Math.abs(epoch) <= LARGEST_COUNT && Math.abs(step) <= LARGEST_COUNT;
