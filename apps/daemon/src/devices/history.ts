/** What is kept of each moment. NaN: not known. */
export interface Moment {
  memoryUsedBytes: number;
  utilisation: number;
  powerWatts: number;
  temperatureCelsius: number;
}

export interface Step extends Moment {
  /** ms since the epoch, when the step began. */
  at: number;
}

const FIGURES = ['memoryUsedBytes', 'utilisation', 'powerWatts', 'temperatureCelsius'] as const;

/** Finer steps are kept for a shorter time: 1 s for 10 minutes, 10 s for 3 hours, 1 min for 48 hours. */
export const RESOLUTIONS = [
  { stepMs: 1_000, steps: 600 },
  { stepMs: 10_000, steps: 1_080 },
  { stepMs: 60_000, steps: 2_880 },
] as const;

/**
 * The past of one device, or of one job on it, in bounded memory: of each step the most of the memory, and the averages
 * of the rest.
 */
export class History {
  private readonly rings = RESOLUTIONS.map(({ stepMs, steps }) => new Ring(stepMs, steps));
  /** The most memory that was ever seen; NaN: none was. */
  peakMemoryBytes = Number.NaN;

  /** @param at ms since the epoch; what is older than what was added before is dropped */
  add(at: number, moment: Moment): void {
    for (const ring of this.rings) ring.add(at, moment);
    if (!(this.peakMemoryBytes >= moment.memoryUsedBytes)) this.peakMemoryBytes = moment.memoryUsedBytes;
  }

  /**
   * @param since, until ms since the epoch
   * @param stepMs the wanted length of a step, or null: as fine as it is kept for that long
   * @returns steps oldest first, without those of which nothing is known
   */
  read(since: number, until: number, stepMs: number | null): { stepMs: number; steps: Step[] } {
    const ring = this.ringFor(since, stepMs);
    const steps = ring.read(since, until);
    if (stepMs === null || stepMs <= ring.stepMs) return { stepMs: ring.stepMs, steps };
    return { stepMs, steps: coarser(steps, stepMs) };
  }

  /** The finest ring that reaches back as far as is asked for (or the coarsest), and isn't finer than is asked for. */
  private ringFor(since: number, stepMs: number | null): Ring {
    const rings = this.rings.filter((ring, i) => i === 0 || stepMs === null || ring.stepMs <= stepMs);
    const newest = this.rings[0]?.newest ?? 0;
    const reaching = rings.find((ring) => newest - since <= ring.stepMs * ring.capacity);
    return reaching ?? (this.rings.at(-1) as Ring);
  }
}

/** Steps of one length, the newest of which overwrite the oldest. It grows as it is needed. */
class Ring {
  readonly stepMs: number;
  readonly capacity: number;
  private size = 0;
  private room = 0;
  private next = 0;
  private at = new Float64Array(0);
  private counts = FIGURES.map(() => new Uint32Array(0));
  private values = FIGURES.map(() => new Float64Array(0));

  constructor(stepMs: number, capacity: number) {
    this.stepMs = stepMs;
    this.capacity = capacity;
  }

  /** When the newest step began; 0: there is none. */
  get newest(): number {
    return this.size === 0 ? 0 : (this.at[this.last] as number);
  }

  add(at: number, moment: Moment): void {
    const begin = at - (at % this.stepMs);
    if (begin < this.newest) return;
    if (this.size === 0 || begin > this.newest) this.open(begin);
    for (const [i, figure] of FIGURES.entries()) {
      const value = moment[figure];
      if (Number.isNaN(value)) continue;
      const values = this.values[i] as Float64Array;
      const counts = this.counts[i] as Uint32Array;
      const count = counts[this.last] as number;
      const before = values[this.last] as number;
      values[this.last] =
        figure === 'memoryUsedBytes' ? Math.max(before, value) : (before * count + value) / (count + 1);
      counts[this.last] = count + 1;
    }
  }

  read(since: number, until: number): Step[] {
    const steps: Step[] = [];
    for (let i = 0; i < this.size; i += 1) {
      const place = (this.next - this.size + i + this.room) % this.room;
      const at = this.at[place] as number;
      if (at + this.stepMs <= since || at > until) continue;
      const value = (figure: number): number =>
        (this.counts[figure] as Uint32Array)[place] === 0
          ? Number.NaN
          : ((this.values[figure] as Float64Array)[place] as number);
      steps.push({
        at,
        memoryUsedBytes: value(0),
        utilisation: value(1),
        powerWatts: value(2),
        temperatureCelsius: value(3),
      });
    }
    return steps;
  }

  private get last(): number {
    return (this.next - 1 + this.room) % this.room;
  }

  private open(begin: number): void {
    if (this.size === this.room && this.room < this.capacity) this.grow();
    this.at[this.next] = begin;
    for (const values of this.values) values[this.next] = 0;
    for (const counts of this.counts) counts[this.next] = 0;
    this.next = (this.next + 1) % this.room;
    this.size = Math.min(this.size + 1, this.room);
  }

  /** Only before anything was overwritten: so what there is lies in order from the beginning. */
  private grow(): void {
    const room = Math.min(Math.max(32, this.room * 2), this.capacity);
    const copy = <Numbers extends Float64Array | Uint32Array>(from: Numbers, to: Numbers): Numbers => {
      to.set(from);
      return to;
    };
    this.at = copy(this.at, new Float64Array(room));
    this.values = this.values.map((values) => copy(values, new Float64Array(room)));
    this.counts = this.counts.map((counts) => copy(counts, new Uint32Array(room)));
    this.next = this.room;
    this.room = room;
  }
}

/** Joins steps into longer ones: again the most of the memory, and the averages of what is known of the rest. */
function coarser(steps: readonly Step[], stepMs: number): Step[] {
  const joined: Step[] = [];
  let group: Step[] = [];
  const close = (): void => {
    if (group.length === 0) return;
    const at = (group[0] as Step).at;
    const known = (figure: (typeof FIGURES)[number]): number[] =>
      group.map((step) => step[figure]).filter((value) => !Number.isNaN(value));
    const mean = (values: readonly number[]): number =>
      values.length === 0 ? Number.NaN : values.reduce((sum, value) => sum + value, 0) / values.length;
    const memory = known('memoryUsedBytes');
    joined.push({
      at: at - (at % stepMs),
      memoryUsedBytes: memory.length === 0 ? Number.NaN : Math.max(...memory),
      utilisation: mean(known('utilisation')),
      powerWatts: mean(known('powerWatts')),
      temperatureCelsius: mean(known('temperatureCelsius')),
    });
    group = [];
  };
  for (const step of steps) {
    const first = group[0];
    if (first && Math.floor(step.at / stepMs) !== Math.floor(first.at / stepMs)) close();
    group.push(step);
  }
  close();
  return joined;
}
