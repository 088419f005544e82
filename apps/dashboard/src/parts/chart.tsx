import { useEffect, useRef } from 'preact/hooks';
import UPlot from 'uplot';

const HEIGHT = 170;

export interface Line {
  label: string;
  /** The name of a colour of the page. */
  colour: string;
  /** `log`: logarithmic; `percent`: from 0 to 100, on the right; anything else: as it comes. */
  scale: string;
}

/** Curves over time or over steps. What is in it is also said in words beside it. */
export function Chart({
  title,
  data,
  lines,
  isTime = true,
  hasGaps = false,
}: {
  title: string;
  data: [number[], ...(number | null)[][]];
  lines: readonly Line[];
  isTime?: boolean;
  /** Whether lines have their points at different places: they go on over those of others. */
  hasGaps?: boolean;
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
          { label: isTime ? 'time' : 'at' },
          ...lines.map(({ label, colour: name, scale }) => ({
            label,
            stroke: colour(name),
            width: 1.5,
            spanGaps: hasGaps,
            scale,
          })),
        ],
        scales: { x: { time: isTime }, ...scales },
        axes: [
          axis,
          ...[...new Set(lines.map(({ scale }) => scale))].map((scale) => ({
            ...axis,
            scale,
            side: scale === 'percent' ? 1 : 3,
          })),
        ],
      },
      data as UPlot.AlignedData,
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
  useEffect(() => chart.current?.setData(data as UPlot.AlignedData), [data]);
  return <div class="chart" ref={place} />;
}
