import type { Job } from '@berth/contract';
import { isEnded } from '@berth/contract/state-groups';
import { useEffect, useRef } from 'preact/hooks';
import { useLocation } from 'wouter-preact';
import { UNKNOWN } from '../figures.js';
import { useAct } from '../live/act.js';
import { useWhyNot } from '../live/me.js';
import { client } from '../live/session.js';
import { Confirm } from './confirm.js';
import { Trouble } from './trouble.js';

interface Wanted {
  job: Job;
  onChange: () => void;
}

/** What can be done with a job that hasn't ended, in a row among others. */
export function QueueActions({ job, onChange }: Wanted) {
  const { act, error } = useAct(onChange);
  const whyNot = useWhyNot()('change', job.user);
  const { jobs } = client.value;
  const about = `job ${job.number}`;
  if (whyNot !== null)
    return (
      <span class="muted" title={whyNot}>
        {UNKNOWN}
      </span>
    );
  return (
    <span class="actions">
      {job.state === 'pending' ? <Waiting job={job} act={act} /> : null}
      {isEnded(job.state) ? null : (
        <Confirm verb="Cancel" about={about} onConfirm={act(() => jobs.cancel(job))} />
      )}
      <Trouble error={error} />
    </span>
  );
}

/** All that can be done with a job. */
export function JobActions({ job, onChange }: Wanted) {
  const [, go] = useLocation();
  const whyNot = useWhyNot();
  const whyUnchanged = whyNot('change', job.user);
  return (
    <p class="actions">
      {whyUnchanged === null ? <Changes job={job} onChange={onChange} /> : null}
      {whyNot('submit') === null ? (
        <button type="button" onClick={() => go('/submit', { state: { clone: job } })}>
          Clone
        </button>
      ) : null}
      {whyUnchanged === null ? null : <span class="muted">{whyUnchanged}.</span>}
    </p>
  );
}

function Changes({ job, onChange }: Wanted) {
  const { act, error } = useAct(onChange);
  const { jobs } = client.value;
  const about = `job ${job.number}`;
  const requeue = act(() => jobs.requeue(job));
  return (
    <>
      {isEnded(job.state) ? (
        <button type="button" onClick={requeue}>
          Requeue
        </button>
      ) : (
        <Confirm verb="Cancel" about={about} onConfirm={act(() => jobs.cancel(job))} />
      )}
      {job.state === 'pending' ? <Waiting job={job} act={act} /> : null}
      {job.state === 'running' || job.state === 'starting' ? (
        <Confirm verb="Requeue" about={about} onConfirm={requeue} />
      ) : null}
      <Trouble error={error} />
    </>
  );
}

/** Of a job that waits: whether, and when, it gets its turn. */
function Waiting({ job, act }: { job: Job; act: ReturnType<typeof useAct>['act'] }) {
  const { jobs } = client.value;
  const { number, priority, held } = job;
  /** What the clicks so far make of it: the next one counts from there, whether or not that is seen yet. */
  const reached = useRef(Promise.resolve(priority));
  useEffect(() => {
    reached.current = Promise.resolve(priority);
  }, [priority]);
  const prefer = (by: number) =>
    act(() => {
      const change = reached.current.then((from) => jobs.change(job, { priority: from + by }));
      reached.current = change.then(
        (changed) => changed.priority,
        () => priority,
      );
      return change;
    });
  return (
    <>
      {held ? (
        <button type="button" aria-label={`Release job ${number}`} onClick={act(() => jobs.release(job))}>
          Release
        </button>
      ) : (
        <button type="button" aria-label={`Hold job ${number}`} onClick={act(() => jobs.hold(job))}>
          Hold
        </button>
      )}
      <span class="priority">
        <button type="button" aria-label={`Lower the priority of job ${number}`} onClick={prefer(-1)}>
          −
        </button>
        <span title="priority">{priority}</span>
        <button type="button" aria-label={`Raise the priority of job ${number}`} onClick={prefer(1)}>
          +
        </button>
      </span>
    </>
  );
}
