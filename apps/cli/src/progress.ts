import type { JobMetrics } from '@berth/contract';
import { duration } from './figures.js';
import { cut } from './table.js';
import { harmless } from './terminal.js';

const BAR_CELLS = 20;

/** How far a job is, in a line; null: its output says nothing of it. */
export function progressLine(
  { progress, series }: Pick<JobMetrics, 'progress' | 'series'>,
  columns: number,
): string | null {
  if (!progress) return null;
  const { fraction, done, total, unit, etaSeconds } = progress;
  const filled = Math.round(fraction * BAR_CELLS);
  const loss = series.find(({ name }) => name === 'loss')?.last;
  const parts = [
    `${'█'.repeat(filled)}${'░'.repeat(BAR_CELLS - filled)} ${Math.floor(fraction * 100)} %`,
    `${Number(done.toFixed(1))}/${total} ${unit}`,
    ...(loss == null ? [] : [`loss ${Number(loss.toPrecision(4))}`]),
    ...(etaSeconds === null || fraction >= 1 ? [] : [`about ${duration(etaSeconds)} left`]),
  ];
  return cut(harmless(parts.join('  ')), columns - 1);
}
