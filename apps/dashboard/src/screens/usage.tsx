import type { DeviceUsage, JobUsage, Usage, UserUsage } from '@berth/contract';
import { formatDuration } from '@berth/contract/quantities';
import type { ComponentChildren } from 'preact';
import { Link } from 'wouter-preact';
import { percent, UNKNOWN } from '../figures.js';
import { usePoll } from '../live/poll.js';
import { client } from '../live/session.js';
import { useTitle } from '../live/title.js';
import { Freshness } from '../parts/freshness.js';
import { Heads } from '../parts/heads.js';
import { Scroll } from '../parts/scroll.js';
import { State } from '../parts/state.js';

const MOST_JOBS = 50;

const hours = (seconds: number): string => (seconds / 3600).toFixed(seconds < 36_000 ? 2 : 0);
const outOf = (held: number, most: number | null): string =>
  most === null ? String(Math.round(held * 100) / 100) : `${Math.round(held * 100) / 100} of ${most}`;

/** What users, devices and jobs have come to, and how much of it was held and not used. */
export function UsageScreen() {
  useTitle('Usage');
  const polled = usePoll((signal) => client.value.usage({ jobs: MOST_JOBS, signal }), 5000);
  return (
    <>
      <div class="title">
        <h1>Usage</h1>
        <Freshness polled={polled} />
      </div>
      {polled.data ? <Tables usage={polled.data} /> : null}
    </>
  );
}

function Tables({ usage: { halfLifeSeconds, reachSeconds, users, devices, jobs } }: { usage: Usage }) {
  return (
    <>
      <p class="muted">
        GPU-hours are of all time, and of what runs so far. Idle is what was held while no kernel ran on it,
        of the time that the daemon watched.
      </p>
      <h2>By user</h2>
      <p class="muted">
        Whose turn is next comes first. Of late: what was {formatDuration(halfLifeSeconds)} ago counts for
        half; jobs of users with factor 1 have a start of {formatDuration(reachSeconds)} over those with 0.
      </p>
      <UsageTable
        label="Usage by user"
        heads={['User', 'GPU-hours', 'Idle', 'Of late', 'Weight', 'Factor', 'GPUs', 'Running', 'In line']}
        empty="Nobody has used a device yet."
        rows={users}
        row={(user: UserUsage) => (
          <tr key={user.user}>
            <th scope="row">{user.user}</th>
            <td>{hours(user.gpuSecondsTotal)}</td>
            <Idle {...user} />
            <td>{hours(user.gpuSecondsDecayed)}</td>
            <td>{user.weight}</td>
            <td>{user.factor.toFixed(2)}</td>
            <td>{outOf(user.gpus, user.mostGpus)}</td>
            <td>{outOf(user.runningJobs, user.mostRunningJobs)}</td>
            <td>{user.pendingJobs}</td>
          </tr>
        )}
      />
      <h2>By device</h2>
      <UsageTable
        label="Usage by device"
        heads={['Device', 'Host', 'GPU-hours', 'Idle']}
        empty="No job has had a device yet."
        rows={devices}
        row={(device: DeviceUsage) => (
          <tr key={device.device}>
            <th scope="row" title={device.device}>
              {device.index}
            </th>
            <td>{device.node}</td>
            <td>{hours(device.gpuSeconds)}</td>
            <Idle {...device} />
          </tr>
        )}
      />
      <h2>By job</h2>
      <UsageTable
        label={`Usage by job: the ${MOST_JOBS} largest`}
        heads={['Job', 'Name', 'User', 'State', 'GPU-hours', 'Idle']}
        empty="No job has had a device yet."
        rows={jobs}
        row={(job: JobUsage) => (
          <tr key={job.job}>
            <th scope="row">
              <Link href={`/jobs/${job.number}`}>{job.number}</Link>
            </th>
            <td class="name">{job.name}</td>
            <td>{job.user}</td>
            <td>
              <State state={job.state} />
            </td>
            <td>{hours(job.gpuSeconds)}</td>
            <Idle {...job} />
          </tr>
        )}
      />
    </>
  );
}

function UsageTable<Each>({
  label,
  heads,
  empty,
  rows,
  row,
}: {
  label: string;
  heads: readonly string[];
  empty: string;
  rows: readonly Each[];
  row: (each: Each) => ComponentChildren;
}) {
  if (rows.length === 0) return <p class="muted">{empty}</p>;
  return (
    <Scroll label={label}>
      <table>
        <Heads names={heads} />
        <tbody>{rows.map(row)}</tbody>
      </table>
    </Scroll>
  );
}

/** How much of what was watched lay idle. */
function Idle({ watchedGpuSeconds, idleGpuSeconds }: Pick<JobUsage, 'watchedGpuSeconds' | 'idleGpuSeconds'>) {
  if (watchedGpuSeconds === 0) return <td title="Nobody watched.">{UNKNOWN}</td>;
  const share = idleGpuSeconds / watchedGpuSeconds;
  return (
    <td title={`of ${hours(watchedGpuSeconds)} GPU-hours that were watched`}>
      <meter value={share} high={0.5} optimum={0} aria-label="Share that was idle" /> {percent(share)},{' '}
      {hours(idleGpuSeconds)} h
    </td>
  );
}
