import { z } from 'zod';

/** Where a job is in its life; `pending` carries a reason, the last three a cause. */
export const JobStateSchema = z
  .enum(['pending', 'starting', 'running', 'stopping', 'succeeded', 'failed', 'cancelled'])
  .meta({ id: 'JobState', description: 'Where a job is in its life.' });
export type JobState = z.infer<typeof JobStateSchema>;

/** A change that the ledger can make to a job that exists. */
export type JobTransition =
  | 'assign'
  | 'claim'
  | 'start'
  | 'stop'
  | 'preempt'
  | 'drill'
  | 'finish'
  | 'hold'
  | 'release'
  | 'requeue'
  | 'change';

/**
 * The job state machine, as data: from which states a transition may be tried, and where each leads.
 * The ledger's scripts enforce it; its tests try every pair that isn't here and expect a refusal.
 *
 * - `assign`: the scheduler gives the next attempt its devices.
 * - `claim`: a worker takes one task of the attempt, once; the job's state stays as it is.
 * - `start`: a task's process runs. While `stopping` it is still written down, and the job stays there.
 * - `stop`: a user, the time limit or a failed rank ends the attempt; a job of which nothing was started ends at once.
 * - `preempt`: the scheduler ends an attempt to make room; the job saves its work and waits again.
 * - `drill`: a running job gets its checkpoint signal and goes on.
 * - `finish`: a task ended. The last one ends the attempt: for good, or with a new attempt pending.
 * - `hold`, `release`: a job that waits may not start, or may again.
 * - `requeue`: a new attempt, also of a job that has ended; one that runs is stopped first.
 * - `change`: priority, time limit or labels of a job that hasn't ended.
 */
export const JOB_TRANSITIONS: Record<JobTransition, Partial<Record<JobState, readonly JobState[]>>> = {
  assign: { pending: ['starting'] },
  claim: { starting: ['starting'], running: ['running'] },
  start: { starting: ['running'], running: ['running'], stopping: ['stopping'] },
  stop: {
    pending: ['cancelled'],
    starting: ['stopping', 'cancelled'],
    running: ['stopping'],
    stopping: ['stopping'],
  },
  preempt: { starting: ['stopping', 'pending'], running: ['stopping'] },
  drill: { running: ['running'] },
  finish: {
    starting: ['starting', 'stopping', 'succeeded', 'failed', 'pending'],
    running: ['running', 'stopping', 'succeeded', 'failed', 'pending'],
    stopping: ['stopping', 'succeeded', 'failed', 'cancelled', 'pending'],
  },
  hold: { pending: ['pending'] },
  release: { pending: ['pending'] },
  requeue: {
    starting: ['stopping', 'pending'],
    running: ['stopping'],
    succeeded: ['pending'],
    failed: ['pending'],
    cancelled: ['pending'],
  },
  change: {
    pending: ['pending'],
    starting: ['starting'],
    running: ['running'],
    stopping: ['stopping'],
  },
};
