import type { JobMetrics, Progress, Series } from '@berth/contract';
import { formatDuration } from '@berth/contract/quantities';
import { useState } from 'preact/hooks';
import { percent } from '../figures.js';
import { Chart } from './chart.js';

const SOURCES: Record<Series['source'], string> = {
  print: 'from what it prints',
  bar: 'from its progress bar',
  dictionary: 'from what its trainer prints',
  json: 'from JSON in its output',
  tensorboard: 'from its event files',
  report: 'as it reports',
};

/** How far the training is, and its curves: the loss first. */
export function TrainingView({ metrics: { progress, series } }: { metrics: JobMetrics }) {
  const [isLog, setIsLog] = useState(false);
  const curves = series.filter(({ points }) => points.length > 0).sort(byInterest);
  if (!progress && curves.length === 0) return null;
  return (
    <section aria-label="Training">
      <div class="title">
        <h2>Training</h2>
        {curves.length > 0 ? (
          <label>
            <input
              type="checkbox"
              checked={isLog}
              onChange={({ currentTarget }) => setIsLog(currentTarget.checked)}
            />{' '}
            Logarithmic
          </label>
        ) : null}
      </div>
      {progress ? <ProgressBar progress={progress} /> : null}
      <div class="charts">
        {curves.map((each) => (
          <Curve series={each} isLog={isLog} key={`${each.name}/${isLog}`} />
        ))}
      </div>
    </section>
  );
}

function ProgressBar({
  progress: { fraction, done, total, unit, etaSeconds, source },
}: {
  progress: Progress;
}) {
  const figures = `${Number(done.toFixed(1))} of ${total} ${unit}`;
  return (
    <p class="progress">
      <progress value={fraction} aria-label="Progress of the training" />
      {percent(fraction)}, {figures}
      {etaSeconds === null ? '' : `, ${formatDuration(etaSeconds)} to go`}{' '}
      <span class="muted">{SOURCES[source]}</span>
    </p>
  );
}

function Curve({
  series: { name, axis, points, last, brokenAt, source, count },
  isLog,
}: {
  series: Series;
  isLog: boolean;
}) {
  const data: [number[], (number | null)[]] = [points.map(({ x }) => x), points.map((point) => point.last)];
  const about = `${count} figure${count === 1 ? '' : 's'} ${SOURCES[source]}`;
  return (
    <figure class="curve">
      <Chart
        title={name}
        data={data}
        lines={[{ label: `${name} by ${axis}`, colour: '--accent', scale: isLog ? 'log' : 'y' }]}
        isTime={false}
      />
      <figcaption class="muted">
        last {last === null ? 'not a number' : Number(last.toPrecision(4))}, {about}
        {brokenAt === null ? null : (
          <strong class="trouble">
            {' '}
            not a number since {axis} {brokenAt}
          </strong>
        )}
      </figcaption>
    </figure>
  );
}

/** Losses first, then what is named alike; what torch says of memory last. */
function byInterest({ name: one }: Series, { name: other }: Series): number {
  const rank = (name: string): number => (name.startsWith('torch.') ? 2 : name.includes('loss') ? 0 : 1);
  return rank(one) - rank(other) || (one < other ? -1 : 1);
}
