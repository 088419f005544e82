import type { Cause, Job, NotifyEvent } from '@berth/contract';
import type { LedgerEvent } from '../ledger/event-feed.js';

/** What an event of a job is called here; null: nobody is told of it. */
export function nameOf(event: LedgerEvent, causeOfAttempt: Cause | null): NotifyEvent | null {
  switch (event.type) {
    case 'task.started':
      return event.rank === 0 ? 'started' : null;
    case 'job.ended':
      return event.state as 'succeeded' | 'failed' | 'cancelled';
    case 'job.requeued':
      return causeOfAttempt?.code === 'preempted' ? 'preempted' : 'requeued';
    default:
      return null;
  }
}

/** Whether somebody who wants to hear of these events is to be told of this one. */
export function wants(events: readonly NotifyEvent[], name: NotifyEvent): boolean {
  const ends = name === 'succeeded' || name === 'failed' || name === 'cancelled';
  return events.includes(name) || (ends && events.includes('ended'));
}

/** The body. Of the job only what may be told to others: neither its command nor its environment. */
export function bodyOf(id: string, name: NotifyEvent, at: string, cause: Cause | null, job: Job): string {
  const { number, user, state, labels, submittedAt, startedAt, endedAt } = job;
  const told = { id: job.id, number, name: job.name, user, state, labels, submittedAt, startedAt, endedAt };
  return JSON.stringify({
    id,
    type: `job.${name}`,
    at,
    job: { ...told, attempt: job.attempts.length, cause },
  });
}
