import type { Job } from '@berth/contract';

/** A stretch of a job's life. Times in ms since the epoch. */
export interface JobSpan {
  name: string;
  from: number;
  until: number;
  attributes: Record<string, string | number | string[]>;
  /** What went wrong; null: nothing did. */
  failure: string | null;
  children: JobSpan[];
}

/**
 * The life of a job that has ended, from submission to end: what it waited before each attempt, and of each attempt the start and the
 * run. Nothing of its command or its environment is told.
 */
export function spansOf(job: Job): JobSpan {
  const until = timeOf(job.endedAt) ?? Date.now();
  const children: JobSpan[] = [];
  let waitsSince = Date.parse(job.submittedAt);
  for (const { number, placedAt, startedAt, endedAt, devices, cause } of job.attempts) {
    const [placed, started, ended] = [Date.parse(placedAt), timeOf(startedAt), timeOf(endedAt) ?? until];
    children.push(span('wait', waitsSince, placed, { 'berth.attempt': number }));
    children.push({
      ...span('attempt', placed, ended, {
        'berth.attempt': number,
        'berth.devices': devices.map(({ uuid }) => uuid),
        ...(cause ? { 'berth.cause': cause.code } : {}),
      }),
      failure: cause?.sentence ?? null,
      children: started === null ? [] : [span('start', placed, started), span('run', started, ended)],
    });
    waitsSince = ended;
  }
  if (job.attempts.length === 0) children.push(span('wait', waitsSince, until));
  return {
    ...span('job', Date.parse(job.submittedAt), until, {
      'berth.job.id': job.id,
      'berth.job.number': job.number,
      'berth.job.name': job.name,
      'berth.job.state': job.state,
      'berth.gpus': job.gpus,
      'user.name': job.user,
    }),
    failure: job.state === 'failed' ? (job.cause?.sentence ?? 'failed') : null,
    children,
  };
}

function span(name: string, from: number, until: number, attributes: JobSpan['attributes'] = {}): JobSpan {
  // Clocks of two programs may differ by a little: no stretch ends before it begins.
  return { name, from, until: Math.max(from, until), attributes, failure: null, children: [] };
}

const timeOf = (time: string | null): number | null => (time === null ? null : Date.parse(time));
