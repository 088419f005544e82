import type { Series } from '@berth/contract';
import { Chart, type Line } from './chart.js';
import { aligned, type Placed, placed, positive, smoothed } from './curve-data.js';
import type { CurveLook } from './curve-look.js';

/** Where a series was read, for people. */
export const SOURCES: Record<Series['source'], string> = {
  print: 'from what it prints',
  bar: 'from its progress bar',
  dictionary: 'from what its trainer prints',
  json: 'from JSON in its output',
  tensorboard: 'from its event files',
  report: 'as it reports',
};

/** Far from each other on the colour wheel, however many there are. */
const HUE_STEP = 137;

export interface SeriesOfRank {
  rank: number;
  series: Series;
}

/** One figure over the course of a training: of one rank, or a line for each. */
export function TrainingCurve({
  of,
  begin,
  look: { smoothing, isLog, along },
}: {
  /** Series of the same name. */
  of: readonly [SeriesOfRank, ...SeriesOfRank[]];
  /** Of the attempt, in ms since the epoch. */
  begin: number;
  look: CurveLook;
}) {
  const [{ series: first }] = of;
  const curves = of.map(({ rank, series }) => {
    const whole = placed(series, along, begin);
    const shown = isLog ? positive(whole) : whole;
    const drawn = smoothing === 0 ? shown : smoothedAt(shown, smoothing);
    const untimed = along === 'step' ? 0 : series.points.filter(({ at }) => at === null).length;
    return { rank, series, shown, drawn, untimed, notPositive: whole.size - shown.size };
  });
  const name = (rank: number): string => (of.length === 1 ? first.name : `rank ${rank}`);
  const line = (rank: number, label: string, isPale: boolean): Line => ({
    label,
    colour: of.length === 1 ? '--accent' : `hsl(${(215 + rank * HUE_STEP) % 360} 65% 48%)`,
    scale: isLog ? 'log' : 'y',
    isPale,
  });
  const raw = curves.map(({ rank }) => line(rank, name(rank), smoothing > 0));
  const over = smoothing > 0 ? curves.map(({ rank }) => line(rank, `${name(rank)}, smoothed`, false)) : [];
  const sum = (figure: (curve: (typeof curves)[number]) => number): number =>
    curves.reduce((total, curve) => total + figure(curve), 0);
  const isEmpty = curves.every(({ shown }) => [...shown.values()].every((value) => value === null));
  return (
    <figure class="curve">
      {isEmpty ? (
        <p class="muted">{first.name}: nothing to draw on these axes.</p>
      ) : (
        <Chart
          // With other lines or axes it is another chart.
          key={`${along}/${raw.concat(over).map(({ label, scale }) => label + scale)}`}
          title={first.name}
          data={aligned([
            ...curves.map(({ shown }) => shown),
            ...(over.length > 0 ? curves.map(({ drawn }) => drawn) : []),
          ])}
          lines={[...raw, ...over]}
          along={along === 'step' ? first.axis : along}
          hasGaps={of.length > 1}
        />
      )}
      <figcaption class="muted">
        {curves.map(({ rank, series }) => (
          <span key={rank}>
            {of.length === 1 ? '' : `rank ${rank}: `}last{' '}
            {series.last === null ? 'NaN or infinite' : Number(series.last.toPrecision(4))}
            {', '}
            {series.count} figure{series.count === 1 ? '' : 's'} {SOURCES[series.source]}
            {series.brokenAt === null ? '' : ', '}
            {series.brokenAt === null ? null : (
              <strong class="trouble">
                became NaN or infinite at {series.axis} {series.brokenAt}
              </strong>
            )}
            {'. '}
          </span>
        ))}
        {leftOut(
          sum(({ notPositive }) => notPositive),
          'at 0 or below, which a logarithmic axis has no place for',
        )}
        {leftOut(
          sum(({ untimed }) => untimed),
          'of which nobody knows when',
        )}
      </figcaption>
    </figure>
  );
}

function smoothedAt(values: Placed, weight: number): Placed {
  const results = smoothed([...values.values()], weight);
  return new Map([...values.keys()].map((place, i) => [place, results[i] ?? null]));
}

const leftOut = (points: number, why: string): string =>
  points === 0 ? '' : `Left out: ${points} point${points === 1 ? '' : 's'} ${why}. `;
