import type { Job, JobState } from '@berth/contract';
import { ranSeconds, waitsSeconds } from '@berth/contract/job-time';
import { duration, UNKNOWN } from './figures.js';
import { type Colour, harmless } from './terminal.js';

export const STATE_COLOURS: Record<JobState, Colour> = {
  pending: 'yellow',
  starting: 'cyan',
  running: 'cyan',
  stopping: 'yellow',
  succeeded: 'green',
  failed: 'red',
  cancelled: 'dim',
};

/** How long it waits, or runs, or ran. */
export function timeOf(job: Job, now: number): string {
  const seconds = waitsSeconds(job, now) ?? ranSeconds(job, now);
  return seconds === null ? UNKNOWN : duration(seconds);
}

/** The devices that it has or had; those that it asks for in brackets. */
export function devicesOf({ attempts, devices }: Job): string {
  const current = attempts.at(-1);
  if (current) return current.devices.map(({ index }) => index).join(',');
  return devices === null ? UNKNOWN : `(${devices})`;
}

/** Why it isn't running, or why it ended. */
export function whyOf({ state, reason, cause, position }: Job): string {
  if (cause && state !== 'succeeded') return cause.sentence;
  if (reason) return reason.sentence;
  return position === null ? '' : `place ${position} in the queue`;
}

/** `"running"`, `"pending: needs 2 free devices, 1 is free"`. */
export function stateWithReason(job: Job): string {
  const why = whyOf(job);
  return harmless(why ? `${job.state}: ${why}` : job.state);
}

/** How a job ended, as one sentence. */
export function endOf(job: Job): string {
  const ran = ranSeconds(job, Date.now());
  const took = ran === null ? '' : ` after ${duration(ran)}`;
  const why = job.state === 'succeeded' || !job.cause ? '' : `: ${job.cause.sentence}`;
  const verb = job.state === 'cancelled' ? 'was cancelled' : job.state;
  const advice = job.cause?.diagnosis ? `. ${job.cause.diagnosis.advice}` : '';
  return harmless(`job ${job.number} ${verb}${took}${why}${job.state === 'failed' ? advice : ''}`);
}
