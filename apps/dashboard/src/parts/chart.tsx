import { formatDuration } from '@berth/contract/quantities';
import { useEffect, useRef } from 'preact/hooks';
import UPlot from 'uplot';
import type { Placed } from './curve-data.js';

const HEIGHT = 170;

export interface Line {
  label: string;
  /** A colour, or the name of one of the page. */
  colour: string;
  /** `log`: logarithmic; `percent`: from 0 to 100, on the right; anything else: as it comes. */
  scale: string;
  /** Whether it is only there to compare another one with. */
  isPale?: boolean;
  /** Lines may have theirs at different places. A null is a gap. */
  values: Placed;
}

/** Steps between labels of time, in seconds: such as people count in. */
const SECONDS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200];
const DAYS = [1, 2, 5, 10, 20, 50, 100].map((days) => days * 86_400);
const PALE = 0.3;

/** Curves over time or over what is counted. What is in it is also said in words beside it. */
export function Chart({
  title,
  lines,
  along = 'clock',
}: {
  title: string;
  lines: readonly Line[];
  /** `clock`: seconds since the epoch, as local times; `elapsed`: seconds; anything else: what is counted. */
  along?: string;
}) {
  const place = useRef<HTMLDivElement>(null);
  const chart = useRef<UPlot | null>(null);
  // It is made once, and fed below.
  useEffect(() => {
    const element = place.current as HTMLDivElement;
    const style = getComputedStyle(document.documentElement);
    const colour = (name: string): string => style.getPropertyValue(name).trim();
    const line = { stroke: colour('--line') };
    const axis = { stroke: colour('--muted'), grid: line, ticks: line };
    const elapsed: UPlot.Axis = {
      incrs: [...SECONDS, ...DAYS],
      values: (_chart, seconds) => seconds.map((each) => formatDuration(each)),
    };
    const scales = Object.fromEntries(
      lines.map(({ scale }): [string, UPlot.Scale] => {
        if (scale === 'log') return [scale, { distr: 3 }];
        return [scale, scale === 'percent' ? { range: [0, 100] } : {}];
      }),
    );
    chart.current = new UPlot(
      {
        title,
        width: element.clientWidth,
        height: HEIGHT,
        series: [
          along === 'elapsed'
            ? { label: 'after', value: (_chart, at) => (at === null ? '--' : formatDuration(Math.round(at))) }
            : { label: along === 'clock' ? 'time' : along },
          ...lines.map(({ label, colour: name, scale, isPale }) => ({
            label,
            stroke: name.startsWith('--') ? colour(name) : name,
            alpha: isPale ? PALE : 1,
            width: 1.5,
            scale,
          })),
        ],
        scales: { x: { time: along === 'clock' }, ...scales },
        axes: [
          along === 'elapsed' ? { ...axis, ...elapsed } : axis,
          ...[...new Set(lines.map(({ scale }) => scale))].map((scale) => ({
            ...axis,
            scale,
            side: scale === 'percent' ? 1 : 3,
          })),
        ],
      },
      dataOf(lines),
      element,
    );
    const fit = new ResizeObserver(() =>
      chart.current?.setSize({ width: element.clientWidth, height: HEIGHT }),
    );
    fit.observe(element);
    return () => {
      fit.disconnect();
      chart.current?.destroy();
    };
  }, []);
  useEffect(() => chart.current?.setData(dataOf(lines)), [lines]);
  return <div class="chart" ref={place} />;
}

const dataOf = (lines: readonly Line[]): UPlot.AlignedData =>
  UPlot.join(lines.map(({ values }) => [[...values.keys()], [...values.values()]]));
