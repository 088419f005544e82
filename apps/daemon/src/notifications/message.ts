import type { Cause, Job, Notice, NotifyEvent } from '@berth/contract';
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
    case 'job.noticed':
      return noticeIn(event)?.code === 'hang' ? 'hanging' : null;
    default:
      return null;
  }
}

/** What an event tells the owner of a job. */
function noticeIn({ type, more }: LedgerEvent): Pick<Notice, 'code' | 'sentence'> | null {
  return type === 'job.noticed' && more?.startsWith('{') ? JSON.parse(more) : null;
}

/** Whether somebody who wants to hear of these events is to be told of this one. */
export function wants(events: readonly NotifyEvent[], name: NotifyEvent): boolean {
  const ends = name === 'succeeded' || name === 'failed' || name === 'cancelled';
  return events.includes(name) || (ends && events.includes('ended'));
}

/** What is told of an event. */
interface Message {
  id: string;
  name: NotifyEvent;
  event: LedgerEvent;
  cause: Cause | null;
  job: Job;
}

/** The body. Of the job only what may be told to others: neither its command nor its environment. */
export function bodyOf({ id, name, event, cause, job }: Message): string {
  const notice = noticeIn(event);
  const { number, user, state, labels, submittedAt, startedAt, endedAt } = job;
  const told = { id: job.id, number, name: job.name, user, state, labels, submittedAt, startedAt, endedAt };
  return JSON.stringify({
    id,
    type: `job.${name}`,
    at: event.at,
    job: { ...told, attempt: job.attempts.length, cause },
    ...(notice ? { notice } : {}),
  });
}
