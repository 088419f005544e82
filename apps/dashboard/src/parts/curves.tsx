import type { Job } from '@berth/contract';
import { useEffect, useRef } from 'preact/hooks';
import UPlot from 'uplot';
import { isEnded } from '../figures.js';
import { usePoll } from '../live/poll.js';
import { client } from '../live/session.js';

const HEIGHT = 170;

/** What the job had of its devices, over time: memory of its own processes, and the devices' load. */
export function Curves({ job }: { job: Job }) {
  const isOver = isEnded(job.state);
  const since = job.attempts.at(-1)?.placedAt;
  const polled = usePoll(
    (signal) => client.value.jobs.metrics(job, { signal, ...(since ? { since } : {}) }),
    isOver ? 60_000 : 3000,
    `${job.id}/${job.attempts.length}/${isOver}`,
  );
  const devices = polled.data?.devices.filter(({ points }) => points.length > 1) ?? [];
  if (devices.length === 0) return null;
  return (
    <section aria-label="Memory and load over time">
      <h2>Devices over time</h2>
      <div class="charts">
        {devices.map(({ device, index, points }) => {
          const times = points.map(({ at }) => Date.parse(at) / 1000);
          const memory = points.map(({ memoryUsedBytes }) =>
            memoryUsedBytes === null ? null : memoryUsedBytes / 2 ** 30,
          );
          const load = points.map(({ utilisation }) => (utilisation === null ? null : utilisation * 100));
          return <Chart key={device} title={`Device ${index}`} data={[times, memory, load]} />;
        })}
      </div>
    </section>
  );
}

function Chart({ title, data }: { title: string; data: [number[], (number | null)[], (number | null)[]] }) {
  const place = useRef<HTMLDivElement>(null);
  const chart = useRef<UPlot | null>(null);
  useEffect(() => {
    const element = place.current as HTMLDivElement;
    const style = getComputedStyle(document.documentElement);
    const colour = (name: string): string => style.getPropertyValue(name).trim();
    const axis = {
      stroke: colour('--muted'),
      grid: { stroke: colour('--line') },
      ticks: { stroke: colour('--line') },
    };
    chart.current = new UPlot(
      {
        title,
        width: element.clientWidth,
        height: HEIGHT,
        series: [
          {},
          { label: 'memory of the job, GiB', stroke: colour('--job'), width: 1.5, scale: 'gib' },
          { label: 'load of the device, %', stroke: colour('--accent'), width: 1.5, scale: 'load' },
        ],
        scales: {
          gib: { range: (_, __, most) => [0, Math.max(1, (most ?? 0) * 1.1)] },
          load: { range: [0, 100] },
        },
        axes: [axis, { ...axis, scale: 'gib' }, { ...axis, scale: 'load', side: 1 }],
      },
      data,
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
  useEffect(() => chart.current?.setData(data), [data]);
  return <div class="chart" ref={place} />;
}
