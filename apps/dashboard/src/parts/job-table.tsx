import type { Job } from '@berth/contract';
import { Link } from 'wouter-preact';
import { since, UNKNOWN } from '../figures.js';
import { Scroll } from './scroll.js';
import { State } from './state.js';

/** Jobs in rows, with why each is where it is. */
export function JobTable({ jobs, caption, empty }: { jobs: readonly Job[]; caption: string; empty: string }) {
  if (jobs.length === 0) return <p class="muted">{empty}</p>;
  return (
    <Scroll label={caption}>
      <table>
        <caption class="hidden">{caption}</caption>
        <thead>
          <tr>
            <th scope="col" class="right">
              #
            </th>
            <th scope="col">Name</th>
            <th scope="col">User</th>
            <th scope="col">State</th>
            <th scope="col" class="right">
              GPUs
            </th>
            <th scope="col">Devices</th>
            <th scope="col">Time</th>
            <th scope="col">Why</th>
          </tr>
        </thead>
        <tbody>
          {jobs.map((job) => (
            <tr key={job.id}>
              <td class="right">
                <Link href={`/jobs/${job.number}`}>{job.number}</Link>
              </td>
              <td>{job.name}</td>
              <td>{job.user}</td>
              <td>
                <State state={job.state} />
              </td>
              <td class="right">{job.sharing ? 'part of 1' : job.gpus}</td>
              <td>
                {job.attempts
                  .at(-1)
                  ?.devices.map(({ index }) => index)
                  .join(', ') || UNKNOWN}
              </td>
              <td>
                {job.startedAt
                  ? since(job.startedAt, job.endedAt ?? Date.now())
                  : `waits ${since(job.submittedAt)}`}
              </td>
              <td class="why">{whyOf(job)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </Scroll>
  );
}

export function whyOf({ reason, cause, position, state }: Job): string {
  if (reason) return reason.sentence;
  if (cause && state !== 'succeeded') return cause.sentence;
  return position === null ? '' : `place ${position} in line`;
}
