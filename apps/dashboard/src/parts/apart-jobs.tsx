import type { Job } from '@berth/contract';
import { useState } from 'preact/hooks';
import { clock } from '../figures.js';
import { useAct } from '../live/act.js';
import { findApart } from '../live/found-jobs.js';
import { QueueActions } from './job-actions.js';
import { ANY, JobTable } from './job-table.js';
import { Trouble } from './trouble.js';

/**
 * Jobs that wait for something of their own. Those among the newest of all that wait are shown as they are; older ones are looked for
 * when somebody asks, for it means to look through all that wait.
 */
export function ApartJobs({
  count,
  newest,
  onChange,
}: {
  /** How many there are. */
  count: number;
  newest: readonly Job[];
  onChange: () => void;
}) {
  const [found, setFound] = useState<{ jobs: readonly Job[]; at: number } | null>(null);
  const { act, error, isBusy } = useAct();
  const look = act(async () => setFound({ jobs: await findApart(count), at: Date.now() }));
  const known = new Set(newest.map(({ id }) => id));
  const older = found?.jobs.filter(({ id }) => !known.has(id)) ?? [];
  const missing = count - known.size - older.length;
  if (count <= 0) return null;
  return (
    <>
      <h2>Not in line: {count}</h2>
      <JobTable
        jobs={[...newest, ...older]}
        columns={ANY}
        caption="Jobs that wait for something of their own"
        empty="None of them is among the newest that wait."
        actions={(job) => (
          <QueueActions
            job={job}
            onChange={() => {
              onChange();
              if (found) void look();
            }}
          />
        )}
      />
      {missing > 0 || older.length > 0 ? (
        <p class="actions">
          {older.length > 0 && found ? (
            <span class="muted">
              the last {older.length} as of {clock(found.at)}
            </span>
          ) : null}
          {missing > 0 ? (
            <span class="muted">
              and {missing} more,{' '}
              {found
                ? "which were not found: others' that you may not see, or gone meanwhile"
                : 'submitted earlier'}
            </span>
          ) : null}
          <button type="button" disabled={isBusy} onClick={look}>
            {isBusy ? 'Looking …' : found ? 'Look again' : 'Look for them'}
          </button>
          <Trouble error={error} />
        </p>
      ) : null}
    </>
  );
}
