import type { Job } from '@berth/contract';
import { isEnded } from '../figures.js';
import { usePoll } from '../live/poll.js';
import { client } from '../live/session.js';
import { Chart } from './chart.js';

/** What the job had of its devices, over time: memory of its own processes, and the devices' load. */
export function Curves({ job }: { job: Job }) {
  const isOver = isEnded(job.state);
  const since = job.attempts.at(-1)?.placedAt;
  const polled = usePoll(
    (signal) => client.value.jobs.metrics(job, { signal, names: ['-'], ...(since ? { since } : {}) }),
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
          return (
            <Chart
              key={device}
              title={`Device ${index}`}
              data={[times, memory, load]}
              lines={[
                { label: 'memory of the job, GiB', colour: '--job', scale: 'gib' },
                { label: 'load of the device, %', colour: '--accent', scale: 'percent' },
              ]}
            />
          );
        })}
      </div>
    </section>
  );
}
