import type { JobMetrics, Progress, Series } from '@berth/contract';
import { formatDuration } from '@berth/contract/quantities';
import type { ComponentChildren } from 'preact';
import { percent } from '../figures.js';
import { useCurveLook } from './curve-look.js';
import { type SeriesOfRank, SOURCES, TrainingCurve } from './training-curve.js';

/** How far the training is, and its curves: the loss first. */
export function TrainingView({
  metrics: { progress, droppedSeries },
  ranks,
  begin,
  chooser,
}: {
  /** What the rank says that was looked at last. */
  metrics: JobMetrics;
  /** What each rank says that is looked at. */
  ranks: readonly { rank: number; series: readonly Series[] }[];
  /** Of the attempt, in ms since the epoch. */
  begin: number;
  /** Of the ranks to look at. */
  chooser: ComponentChildren;
}) {
  const { look, controls } = useCurveLook();
  const curves = byName(ranks);
  if (!progress && curves.length === 0 && !chooser) return null;
  return (
    <section aria-label="Training">
      <h2>Training</h2>
      {progress ? <ProgressBar progress={progress} /> : null}
      <div class="filters">
        {chooser}
        {curves.length > 0 ? controls : null}
      </div>
      <div class="charts">
        {curves.map((of) => (
          <TrainingCurve of={of} begin={begin} look={look} key={of[0].series.name} />
        ))}
      </div>
      {droppedSeries > 0 ? (
        <p class="trouble">
          {droppedSeries} more name{droppedSeries === 1 ? '' : 's'} of figures: only the first 64 are kept.
        </p>
      ) : null}
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

/** What is called alike, of all ranks, together. */
function byName(
  ranks: readonly { rank: number; series: readonly Series[] }[],
): [SeriesOfRank, ...SeriesOfRank[]][] {
  const found = new Map<string, [SeriesOfRank, ...SeriesOfRank[]]>();
  for (const { rank, series: all } of ranks)
    for (const series of all) {
      if (series.points.length === 0) continue;
      const known = found.get(series.name);
      if (known) known.push({ rank, series });
      else found.set(series.name, [{ rank, series }]);
    }
  return [...found.values()].sort(([one], [other]) => byInterest(one.series, other.series));
}

/** Losses first, then what is named alike; what torch says of memory last. */
function byInterest({ name: one }: Series, { name: other }: Series): number {
  const rank = (name: string): number => (name.startsWith('torch.') ? 2 : name.includes('loss') ? 0 : 1);
  return rank(one) - rank(other) || (one < other ? -1 : 1);
}
