import {
  type Allocation,
  apply,
  decide,
  emptyState,
  type PendingJob,
  type SchedulableDevice,
  type SchedulerState,
} from '@berth/scheduler';
import type { Policy, Start } from './policies.js';
import type { TraceJob } from './trace.js';

/** Berth's own decisions: the very functions that the daemon calls. All that knows its state and needs is in this file. */
export class BerthPolicy implements Policy {
  private readonly state: SchedulerState = emptyState();
  private readonly jobs = new Map<string, TraceJob>();
  private readonly oneUser: boolean;

  constructor(devices: readonly SchedulableDevice[], { oneUser = false } = {}) {
    this.oneUser = oneUser;
    apply(this.state, { type: 'devices', devices });
  }

  submitted(job: TraceJob): void {
    this.jobs.set(idOf(job), job);
    apply(this.state, { type: 'pending', job: this.pendingJob(job) });
  }

  ended(job: TraceJob, now: number): void {
    this.jobs.delete(idOf(job));
    apply(this.state, { type: 'freed', job: idOf(job), at: now * 1000 });
  }

  decide(now: number): Start[] {
    // A trace's jobs share no devices and displace nobody: most decisions on a busy cluster are none.
    if (!this.couldAnyStart()) return [];
    const { placements } = decide(this.state, now * 1000, { reasons: false });
    return placements.map(({ job: id, devices: given }) => {
      const job = this.jobs.get(id) as TraceJob;
      const devices = given.map(({ uuid }) => uuid);
      apply(this.state, { type: 'placed', allocation: allocationOf(this.pendingJob(job), devices, now) });
      return { job, devices };
    });
  }

  private pendingJob(job: TraceJob): PendingJob {
    return {
      id: idOf(job),
      number: job.number,
      attempt: 1,
      since: job.submit * 1000,
      needs: {
        user: this.oneUser ? 'everybody' : job.user,
        priority: job.priority,
        gpus: job.gpus,
        candidates: null,
        launch: 'single',
        constraints: null,
        share: null,
        longestSeconds: job.timeLimit,
        graceSeconds: 0,
        preemptible: false,
        limitedGroup: null,
      },
    };
  }

  /** Whether some node has as many devices free as the smallest job that waits asks for. */
  private couldAnyStart(): boolean {
    const { devices, holders, shapes } = this.state;
    let smallest = Number.POSITIVE_INFINITY;
    for (const { needs } of shapes.values()) smallest = Math.min(smallest, needs.gpus);
    const free = new Map<string, number>();
    for (const { uuid, node } of devices.values()) {
      if (holders.has(uuid)) continue;
      const count = (free.get(node) ?? 0) + 1;
      if (count >= smallest) return true;
      free.set(node, count);
    }
    return false;
  }
}

const idOf = ({ number }: TraceJob): string => `job_${number}`;

function allocationOf(
  { id, number, attempt, needs }: PendingJob,
  devices: string[],
  now: number,
): Allocation {
  const since = now * 1000;
  const endsAt = needs.longestSeconds === null ? null : since + needs.longestSeconds * 1000;
  return { job: id, number, attempt, needs, devices, gpus: devices.length, since, endsAt, leaving: false };
}
