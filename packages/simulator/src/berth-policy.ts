import {
  apply,
  decide,
  emptyState,
  type PendingJob,
  PLANNED_SECONDS,
  type SchedulableDevice,
  type SchedulerState,
} from '@berth/scheduler';
import type { Policy, Start } from './policies.js';
import type { TraceJob } from './trace.js';

/** Berth's own decisions: the very functions that the daemon calls. All that knows its state and needs is in this file. */
export class BerthPolicy implements Policy {
  private readonly state: SchedulerState = emptyState();
  private readonly jobs = new Map<string, TraceJob>();
  private readonly devices: number;

  constructor(devices: readonly SchedulableDevice[]) {
    this.devices = devices.length;
    apply(this.state, { type: 'devices', devices });
  }

  submitted(job: TraceJob): void {
    this.jobs.set(idOf(job), job);
    apply(this.state, { type: 'pending', job: pendingJob(job) });
  }

  ended(job: TraceJob): void {
    this.jobs.delete(idOf(job));
    apply(this.state, { type: 'freed', job: idOf(job) });
  }

  decide(now: number): Start[] {
    // Nobody can start where nothing is free: half of the time, on a busy cluster.
    if (this.state.holders.size === this.devices) return [];
    const { placements } = decide(this.state, { now: now * 1000, plannedSeconds: PLANNED_SECONDS });
    return placements.map(({ job: id, devices: given }) => {
      const job = this.jobs.get(id) as TraceJob;
      const devices = given.map(({ uuid }) => uuid);
      const endsAt = job.timeLimit === null ? null : (now + job.timeLimit) * 1000;
      const allocation = { job: id, number: job.number, devices, since: now * 1000, endsAt };
      apply(this.state, { type: 'placed', allocation });
      return { job, devices };
    });
  }
}

const idOf = ({ number }: TraceJob): string => `job_${number}`;

function pendingJob(job: TraceJob): PendingJob {
  return {
    id: idOf(job),
    number: job.number,
    attempt: 1,
    needs: {
      priority: job.priority,
      gpus: job.gpus,
      candidates: null,
      launch: 'single',
      constraints: null,
      longestSeconds: job.timeLimit,
    },
  };
}
