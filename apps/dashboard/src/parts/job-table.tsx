import type { Job, QueuedJob } from '@berth/contract';
import { ranSeconds, waitsSeconds } from '@berth/contract/job-time';
import type { ComponentChildren } from 'preact';
import { Link } from 'wouter-preact';
import { deadline, duration, gibibytes, inLocalTime, UNKNOWN } from '../figures.js';
import { Scroll } from './scroll.js';
import { State } from './state.js';

interface Column<T extends Job> {
  title: string;
  class?: string;
  cell: (job: T) => ComponentChildren;
}

const NUMBER: Column<Job> = {
  title: '#',
  class: 'right',
  cell: ({ number }) => <Link href={`/jobs/${number}`}>{number}</Link>,
};
const NAME: Column<Job> = { title: 'Name', class: 'name', cell: ({ name }) => name };
const USER: Column<Job> = { title: 'User', cell: ({ user }) => user };
const STATE: Column<Job> = { title: 'State', cell: ({ state }) => <State state={state} /> };
const GPUS: Column<Job> = { title: 'GPUs', cell: (job) => asksOf(job) };
const DEVICES: Column<Job> = {
  title: 'Devices',
  cell: ({ attempts }) =>
    attempts
      .at(-1)
      ?.devices.map(({ index }) => index)
      .join(', ') || UNKNOWN,
};
const TIME: Column<Job> = {
  title: 'Time',
  cell: (job) => timeOf(job, Date.now()),
};
const WHY: Column<Job> = { title: 'Why', class: 'why', cell: (job) => whyOf(job) };
const PLACE: Column<QueuedJob> = {
  title: 'Place',
  class: 'right',
  cell: ({ position }) => position ?? UNKNOWN,
};
const STARTS: Column<QueuedJob> = { title: 'Starts', cell: ({ start }) => startOf(start) };

/** Jobs of any kind. */
export const ANY: readonly Column<Job>[] = [NUMBER, NAME, USER, STATE, GPUS, DEVICES, TIME, WHY];
/** Jobs in line. */
export const LINE: readonly Column<QueuedJob>[] = [PLACE, NUMBER, NAME, USER, GPUS, TIME, STARTS, WHY];

/** Jobs in rows. */
export function JobTable<T extends Job>({
  jobs,
  columns,
  caption,
  empty,
  actions,
}: {
  jobs: readonly T[];
  columns: readonly Column<T>[];
  caption: string;
  /** What is said where there are none. */
  empty: string;
  /** What can be done with each. */
  actions?: (job: T) => ComponentChildren;
}) {
  if (jobs.length === 0) return <p class="muted">{empty}</p>;
  return (
    <Scroll label={caption}>
      <table class="jobs">
        <caption class="hidden">{caption}</caption>
        <thead>
          <tr>
            {columns.map(({ title, class: kind }) => (
              <th scope="col" class={kind} key={title}>
                {title}
              </th>
            ))}
            {actions ? <th scope="col">Do</th> : null}
          </tr>
        </thead>
        <tbody>
          {jobs.map((job) => (
            <tr key={job.id}>
              {columns.map(({ title, class: kind, cell }) => (
                <td class={kind} data-title={title} key={title}>
                  {cell(job)}
                </td>
              ))}
              {actions ? <td>{actions(job)}</td> : null}
            </tr>
          ))}
        </tbody>
      </table>
    </Scroll>
  );
}

/** What a job needs, in short: `2 of ≥ 40 GiB, H100`. */
function asksOf({ gpus, devices, sharing, constraints }: Job): string {
  const wishes = [
    constraints?.minMemoryBytes ? `≥ ${gibibytes(constraints.minMemoryBytes)} GiB` : null,
    constraints?.model ?? null,
    devices === null ? null : `"${devices}"`,
  ].filter((wish) => wish !== null);
  const size = sharing
    ? sharing.slots
      ? `1/${sharing.slots}`
      : `${gibibytes(sharing.memoryBytes)} GiB of 1`
    : String(gpus);
  return wishes.length === 0 ? size : `${size} of ${wishes.join(', ')}`;
}

function startOf(start: QueuedJob['start']): string {
  if (!start) return 'no estimate';
  return start.certain ? `by ${deadline(start.at)}` : 'not known: a job before it has no time limit';
}

function timeOf(job: Job, now: number): string {
  const waits = waitsSeconds(job, now);
  return waits === null ? duration(ranSeconds(job, now)) : `waits ${duration(waits)}`;
}

export function whyOf({ reason, cause, state }: Job): string {
  if (reason) return inLocalTime(reason.sentence);
  return cause && state !== 'succeeded' ? inLocalTime(cause.sentence) : '';
}
