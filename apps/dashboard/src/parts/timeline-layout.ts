import type { Timeline } from '@berth/contract';

/** What happened, happens, or is planned. */
export type BarKind = 'over' | 'failed' | 'running' | 'latest' | 'planned' | 'estimate';

/** A stretch of time in a device's row. Places are shares of the row's width, 0 … 1. */
export interface Bar {
  key: string;
  kind: BarKind;
  /** Of what goes on beside it: which line of the row it is in, from 0. */
  lane: number;
  left: number;
  width: number;
  /** null: another user's, of which no more is told. */
  number: number | null;
  name: string | null;
  user: string;
}

export interface Row {
  device: string;
  lanes: number;
  bars: Bar[];
}

/** The time that is shown, in ms since the epoch. */
export interface Stretch {
  from: number;
  now: number;
  to: number;
}

/** Of the width, at least: so that something is there to be pointed at. */
const NARROWEST = 0.002;
/** Of the time that is shown of the past, at least and at the most as much is shown of what is planned. */
const FUTURE = { least: 0.1, most: 1 };
const MINUTE = 60_000;
const STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720, 1440, 2880, 10_080].map((step) => step * MINUTE);

/**
 * From when until when is shown: what was asked for, and where that ends now, as much of the plan as it leaves room for.
 * @param now ms since the epoch, where the timeline doesn't end with it
 */
export function stretchOf(
  { until, stays, planned }: Timeline,
  pastMs: number,
  now = Date.parse(until),
): Stretch {
  const end = Date.parse(until);
  if (end < now) return { from: end - pastMs, now, to: end };
  const ends = [...stays.map(({ latestEnd }) => latestEnd), ...planned.map((stay) => stay.until)];
  const last = Math.max(now, ...ends.map((end) => (end === null ? now : Date.parse(end))));
  const future = Math.min(Math.max(last - now, pastMs * FUTURE.least), pastMs * FUTURE.most);
  return { from: now - pastMs, now, to: now + future };
}

/** How many waiting jobs are planned to start in what is shown. */
export const plannedWithin = ({ planned }: Pick<Timeline, 'planned'>, { to }: Stretch): number =>
  planned.filter(({ from }) => Date.parse(from) <= to).length;

/** Round times to label, so many at the most. In local time: midnight is midnight where the reader is. */
export function ticksOf({ from, to }: Stretch, most: number): number[] {
  const step = STEPS.find((each) => (to - from) / each <= most) ?? (STEPS.at(-1) as number);
  const offset = new Date(from).getTimezoneOffset() * MINUTE;
  const first = Math.ceil((from - offset) / step) * step + offset;
  return Array.from({ length: Math.max(0, Math.floor((to - first) / step) + 1) }, (_, i) => first + i * step);
}

/**
 * The row of each device: what it held, holds, and is planned to hold; what shares it at the same time lies in lanes.
 * @param devices UUIDs, in the order of the rows; devices that are gone and were held come behind them
 */
export function rowsOf(
  { stays, planned }: Timeline,
  devices: readonly string[],
  { from, now, to }: Stretch,
): Row[] {
  const pieces = new Map<string, (Piece & Pick<Bar, 'key' | 'kind' | 'number' | 'name' | 'user'>)[]>(
    devices.map((uuid) => [uuid, []]),
  );
  const add = (
    { devices: uuids, number, name, user }: Pick<Bar, 'number' | 'name' | 'user'> & { devices: string[] },
    kind: BarKind,
    key: string,
    start: number,
    end: number,
  ): void => {
    if (end < from || start > to) return;
    for (const uuid of uuids) {
      const row = pieces.get(uuid) ?? [];
      pieces.set(uuid, row);
      row.push({ key: `${key} ${kind}`, kind, number, name, user, start, end });
    }
  };
  for (const stay of stays) {
    const key = `${stay.job} ${stay.attempt}`;
    const start = Date.parse(stay.from);
    if (stay.until !== null) add(stay, stay.cause ? 'failed' : 'over', key, start, Date.parse(stay.until));
    else add(stay, 'running', key, start, now);
    if (stay.latestEnd !== null) add(stay, 'latest', key, now, Date.parse(stay.latestEnd));
  }
  for (const stay of planned)
    add(stay, stay.certain ? 'planned' : 'estimate', stay.job, Date.parse(stay.from), Date.parse(stay.until));

  const share = (at: number): number => (Math.min(Math.max(at, from), to) - from) / (to - from);
  return [...pieces].map(([device, row]) => {
    const lanes = lanesOf(row);
    const bars = row.map(({ start, end, ...bar }, i) => {
      const left = Math.min(share(start), 1 - NARROWEST);
      return { ...bar, lane: lanes[i] as number, left, width: Math.max(share(end) - left, NARROWEST) };
    });
    return { device, bars, lanes: Math.max(1, ...bars.map(({ lane }) => lane + 1)) };
  });
}

interface Piece {
  start: number;
  end: number;
}

/** The lane of each piece: the first that is free when it begins. Those that begin first choose first. */
function lanesOf(pieces: readonly Piece[]): number[] {
  const lanes = new Array<number>(pieces.length).fill(0);
  const freeAt: number[] = [];
  const order = pieces.map((_, i) => i).sort((one, other) => startOf(one) - startOf(other));
  function startOf(i: number): number {
    return (pieces[i] as Piece).start;
  }
  for (const i of order) {
    const { start, end } = pieces[i] as Piece;
    const free = freeAt.findIndex((at) => at <= start);
    const lane = free < 0 ? freeAt.length : free;
    freeAt[lane] = Math.max(end, start);
    lanes[i] = lane;
  }
  return lanes;
}

/** A colour for each user, by the name alone: the same on every page and every day. Degrees on the colour wheel. */
export function hueOf(user: string): number {
  let hash = 0;
  for (const letter of user) hash = (hash * 31 + (letter.codePointAt(0) as number)) % 360;
  return (hash * 137) % 360;
}
