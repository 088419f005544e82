import TinyQueue from 'tinyqueue';
import type { Policy } from './policies.js';
import { runSeconds, type Trace, type TraceJob } from './trace.js';

/** What became of a job. Times in seconds since the trace began. */
export interface Run {
  readonly job: TraceJob;
  readonly start: number;
  readonly end: number;
  /** UUIDs. */
  readonly devices: readonly string[];
}

/**
 * Lets a trace happen in virtual time, from one instant at which something changes to the next: first what ends, then what
 * is submitted, then one decision. Starting a job takes no time.
 * @returns what became of each job, in the order in which they started
 */
export function replay(trace: Trace, policy: Policy): Run[] {
  const runs: Run[] = [];
  const running = new TinyQueue<Run>([], (one, other) => one.end - other.end);
  let next = 0;
  while (next < trace.length || running.length > 0) {
    const now = Math.min(
      trace[next]?.submit ?? Number.POSITIVE_INFINITY,
      running.peek()?.end ?? Number.POSITIVE_INFINITY,
    );
    while (running.peek()?.end === now) policy.ended((running.pop() as Run).job, now);
    for (; trace[next]?.submit === now; next += 1) policy.submitted(trace[next] as TraceJob);
    for (const { job, devices } of policy.decide(now)) {
      const run = { job, start: now, end: now + runSeconds(job), devices };
      running.push(run);
      runs.push(run);
    }
  }
  if (runs.length !== trace.length)
    throw new Error(`${trace.length - runs.length} of ${trace.length} jobs were never started`);
  return runs;
}
