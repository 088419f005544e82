import type { JobMetrics, Series } from '@berth/contract';
import { gibibytes, percent } from '../figures.js';
import { Chart, type Line } from './chart.js';
import type { Placed } from './curve-data.js';

const GIB = 2 ** 30;
const TORCH: readonly [string, string, string][] = [
  ['torch.allocated', 'allocated by torch, GiB', '--foreign'],
  ['torch.reserved', 'reserved by torch, GiB', '--other'],
];

/**
 * What the job had of its devices, over time: memory of its own processes as the driver sees it, the devices' load; and of the
 * device of the task that is looked at, what torch says of memory.
 */
export function Curves({ metrics: { devices, series }, own }: { metrics: JobMetrics; own: string | null }) {
  const seen = devices.filter(({ points }) => points.length > 1);
  if (seen.length === 0) return null;
  return (
    <section aria-label="Memory and load over time">
      <h2>Devices over time</h2>
      <div class="charts">
        {seen.map((device) => (
          <DeviceCurve of={device} series={device.device === own ? series : []} key={device.device} />
        ))}
      </div>
    </section>
  );
}

function DeviceCurve({ of, series }: { of: JobMetrics['devices'][number]; series: readonly Series[] }) {
  const { device, index, points, peakMemoryBytes } = of;
  const by = (figure: (point: (typeof points)[number]) => number | null) =>
    new Map(points.map((point) => [Date.parse(point.at) / 1000, figure(point)]));
  const lines: Line[] = [
    {
      ...{ label: 'memory of the job, GiB', colour: '--job', scale: 'gib' },
      values: by(({ memoryUsedBytes }) => memoryUsedBytes && memoryUsedBytes / GIB),
    },
    {
      ...{ label: 'load of the device, %', colour: '--accent', scale: 'percent' },
      values: by(({ utilisation }) => utilisation && utilisation * 100),
    },
    ...TORCH.flatMap(([name, label, colour]) => {
      const found = series.find((each) => each.name === name);
      return found ? [{ label, colour, scale: 'gib', values: bytesOverTime(found) }] : [];
    }),
  ];
  const last = points.at(-1);
  return (
    <figure class="curve">
      <Chart
        // With other lines it is another chart.
        key={`${device}/${lines.length}`}
        title={`Device ${index}`}
        lines={lines}
      />
      <figcaption class="muted">
        memory {gibibytes(last?.memoryUsedBytes)} GiB, {gibibytes(peakMemoryBytes)} at the most; load{' '}
        {percent(last?.utilisation)}
      </figcaption>
    </figure>
  );
}

function bytesOverTime({ points }: Series): Placed {
  const known = points.filter(({ at }) => at !== null);
  return new Map(
    known.map(({ at, last }) => [Math.round(Date.parse(at as string) / 1000), last && last / GIB]),
  );
}
