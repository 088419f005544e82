import type { Job } from '@berth/contract';
import { useState } from 'preact/hooks';
import { useSearchParams } from 'wouter-preact';
import { type FoundJobs, findJobs } from '../live/found-jobs.js';
import { usePoll } from '../live/poll.js';
import type { SearchedJobs } from '../live/search-pages.js';
import { useTitle } from '../live/title.js';
import { ApartJobs } from '../parts/apart-jobs.js';
import { EndedJobs } from '../parts/ended-jobs.js';
import { Freshness } from '../parts/freshness.js';
import { QueueActions } from '../parts/job-actions.js';
import { ANY, JobTable, LINE } from '../parts/job-table.js';
import { SIGNS } from '../parts/state.js';

const EVERY_MS = 2000;
const FEW = 100;
const MANY = 200;
/** So many pages are looked through at first, and with each "Look further". */
const PAGES = 10;

/** Jobs that run and wait, or those that are searched for. The search stands in the address. */
export function JobsScreen() {
  useTitle('Jobs');
  const [asked, askAgain] = useState(0);
  const [limit, setLimit] = useState(FEW);
  const [pages, setPages] = useState(PAGES);
  const [parameters, setParameters] = useSearchParams();
  const search = { words: parameters.get('q') ?? '', state: parameters.get('state') ?? '' };
  const change = (name: 'q' | 'state', value: string): void => {
    setPages(PAGES);
    setParameters(
      (old) => {
        if (value) old.set(name, value);
        else old.delete(name);
        return old;
      },
      { replace: true },
    );
  };
  const polled = usePoll(
    (signal) => findJobs(search, { limit, pages }, signal),
    EVERY_MS,
    JSON.stringify([search, limit, pages, asked]),
  );
  return (
    <>
      <div class="title">
        <h1>Jobs</h1>
        <Freshness polled={polled} />
      </div>
      <search class="filters">
        <label>
          Search{' '}
          <input
            type="search"
            size={34}
            placeholder="name  user:ada  label:team=nlp  device:3"
            value={search.words}
            onInput={({ currentTarget }) => change('q', currentTarget.value)}
          />
        </label>
        <label>
          State{' '}
          <select value={search.state} onChange={({ currentTarget }) => change('state', currentTarget.value)}>
            <option value="">running and waiting</option>
            <option value="any">any</option>
            {Object.keys(SIGNS).map((state) => (
              <option value={state} key={state}>
                {state}
              </option>
            ))}
          </select>
        </label>
      </search>
      {polled.data ? <Jobs of={polled.data} onChange={() => askAgain(asked + 1)} /> : null}
      {polled.data && 'found' in polled.data ? (
        <Reach
          of={polled.data}
          isLiveAlone={search.state === ''}
          onAny={() => change('state', 'any')}
          onFurther={() => setPages(pages + PAGES)}
        />
      ) : null}
      {polled.data && isMore(polled.data) && limit === FEW ? (
        <button type="button" onClick={() => setLimit(MANY)}>
          Show more
        </button>
      ) : null}
    </>
  );
}

const isMore = (jobs: FoundJobs): boolean =>
  'found' in jobs ? jobs.more === 'fitting' : jobs.queue.inLine > jobs.queue.items.length;

/** Where a search has not looked, and how it would. */
function Reach({
  of: { found, more },
  isLiveAlone,
  onAny,
  onFurther,
}: {
  of: SearchedJobs;
  isLiveAlone: boolean;
  onAny: () => void;
  onFurther: () => void;
}) {
  return (
    <>
      {more === 'unseen' ? (
        <p class="actions">
          <span class="muted">Only the newest were looked through so far, older ones not yet.</span>
          <button type="button" onClick={onFurther}>
            Look further
          </button>
        </p>
      ) : null}
      {isLiveAlone && found.length === 0 ? (
        <p class="actions">
          <span class="muted">Jobs that have ended were not looked through.</span>
          <button type="button" onClick={onAny}>
            Search them too
          </button>
        </p>
      ) : null}
    </>
  );
}

function Jobs({ of: jobs, onChange }: { of: FoundJobs; onChange: () => void }) {
  const actions = (job: Job) => <QueueActions job={job} onChange={onChange} />;
  if ('found' in jobs)
    return (
      <JobTable
        jobs={jobs.found}
        columns={ANY}
        caption="Jobs, newest first"
        empty={jobs.more === 'unseen' ? 'None so far.' : 'No such job.'}
        actions={actions}
      />
    );
  const { running, queue, apart } = jobs;
  const hidden = queue.inLine - queue.items.length;
  return (
    <>
      <h2>Running: {queue.running}</h2>
      <JobTable jobs={running} columns={ANY} caption="Jobs that run" empty="No job runs." actions={actions} />
      <h2>In line: {queue.inLine}</h2>
      <JobTable
        jobs={queue.items}
        columns={LINE}
        caption="Jobs in line, in their order"
        empty="No job is in line. Try: berth submit -- python3 train.py"
        actions={actions}
      />
      {hidden > 0 ? <p class="muted">and {hidden} more behind them</p> : null}
      <ApartJobs count={queue.waiting - queue.inLine} newest={apart} onChange={onChange} />
      <EndedJobs most={20} />
    </>
  );
}
