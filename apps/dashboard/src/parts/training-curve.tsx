import type { Series } from '@berth/contract';
import { Chart, type Line } from './chart.js';
import { placed, positive, smoothed } from './curve-data.js';
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
    const values = isLog ? positive(whole) : whole;
    const untimed = along === 'step' ? 0 : series.points.filter(({ at }) => at === null).length;
    return { rank, values, untimed, notPositive: whole.size - values.size };
  });
  const lineOf = ({ rank, values }: (typeof curves)[number]): Line => ({
    label: of.length === 1 ? first.name : `rank ${rank}`,
    colour: of.length === 1 ? '--accent' : `hsl(${(215 + rank * HUE_STEP) % 360} 65% 48%)`,
    scale: isLog ? 'log' : 'y',
    values,
  });
  const raw = curves.map(lineOf);
  const lines =
    smoothing === 0
      ? raw
      : [
          ...raw.map((line) => ({ ...line, isPale: true })),
          ...raw.map((line) => ({
            ...line,
            label: `${line.label}, smoothed`,
            values: smoothed(line.values, smoothing),
          })),
        ];
  const sum = (figure: (curve: (typeof curves)[number]) => number): number =>
    curves.reduce((total, curve) => total + figure(curve), 0);
  return (
    <figure class="curve">
      <Chart
        // With other lines or axes it is another chart.
        key={`${along}/${lines.map(({ label, scale }) => label + scale)}`}
        title={first.name}
        lines={lines}
        along={along === 'step' ? first.axis : along}
      />
      <figcaption class="muted">
        {of.map(({ rank, series }) => (
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

const leftOut = (points: number, why: string): string =>
  points === 0 ? '' : `Left out: ${points} point${points === 1 ? '' : 's'} ${why}. `;
