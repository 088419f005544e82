import { ENDED_STATES } from '@berth/contract/state-groups';
import { Link } from 'wouter-preact';
import { usePoll } from '../live/poll.js';
import { client } from '../live/session.js';
import { ANY, JobTable } from './job-table.js';

const EVERY_MS = 10_000;

/** The newest of the jobs that have ended: whether all went well is what people come to see. */
export function EndedJobs({ most }: { most: number }) {
  const { data } = usePoll(
    (signal) => client.value.jobs.page({ state: ENDED_STATES, limit: most, signal }),
    EVERY_MS,
    most,
  );
  if (!data) return null;
  return (
    <>
      <h2>Ended</h2>
      <JobTable
        jobs={data.items}
        columns={ANY}
        caption="The newest jobs that have ended"
        empty="No job has ended yet."
      />
      <p>
        <Link href="/jobs?state=any">All jobs, newest first</Link>
      </p>
    </>
  );
}
