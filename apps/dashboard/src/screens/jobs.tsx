import type { JobState } from '@berth/contract';
import { useState } from 'preact/hooks';
import { usePoll } from '../live/poll.js';
import { client } from '../live/session.js';
import { Freshness } from '../parts/freshness.js';
import { JobTable } from '../parts/job-table.js';

const STATES: (JobState | '')[] = [
  '',
  'pending',
  'starting',
  'running',
  'stopping',
  'succeeded',
  'failed',
  'cancelled',
];

/** All jobs, newest first. */
export function JobsScreen() {
  const [state, setState] = useState<JobState | ''>('');
  const [search, setSearch] = useState('');
  const [limit, setLimit] = useState(100);
  const polled = usePoll(
    (signal) => client.value.jobs.page({ limit, signal, ...(state ? { state } : {}) }),
    3000,
    `${state}/${limit}`,
  );
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  const found = (polled.data?.items ?? []).filter(({ number, name, user }) => {
    const text = `${number} ${name} ${user}`.toLowerCase();
    return words.every((word) => text.includes(word));
  });
  return (
    <>
      <div class="title">
        <h1>Jobs</h1>
        <Freshness polled={polled} />
      </div>
      <form class="filters" onSubmit={(event) => event.preventDefault()}>
        <label>
          Search{' '}
          <input
            type="search"
            placeholder="number, name, user"
            value={search}
            onInput={({ currentTarget }) => setSearch(currentTarget.value)}
          />
        </label>
        <label>
          State{' '}
          <select
            value={state}
            onChange={({ currentTarget }) => setState(currentTarget.value as JobState | '')}
          >
            {STATES.map((each) => (
              <option value={each} key={each}>
                {each || 'any'}
              </option>
            ))}
          </select>
        </label>
      </form>
      <JobTable jobs={found} caption="Jobs, newest first" empty={polled.data ? 'No such job.' : 'asking …'} />
      {polled.data?.nextCursor ? (
        <button
          type="button"
          class="quiet"
          onClick={() => setLimit(Math.min(limit * 3, 1000))}
          disabled={limit >= 1000}
        >
          Show more
        </button>
      ) : null}
    </>
  );
}
