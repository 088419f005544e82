import type { JobId, PendingReason } from '@berth/contract';
import type { PendingJob } from '@berth/scheduler';
import type { WaitingJob } from '../ledger/record.js';
import { Alarm } from './alarm.js';

/** Jobs that wait and are not in line: somebody holds them, or they wait for other jobs or a time. */
export class Sleepers {
  private readonly alarm = new Alarm();
  private readonly reasons = new Map<JobId, PendingReason['code']>();

  /** What each of them waits for. */
  get waitingFor(): Iterable<PendingReason['code']> {
    return this.reasons.values();
  }

  /**
   * Lets a job sleep that something of its own keeps from starting.
   * @param onTime called when the time has come that it waits for
   * @returns false: nothing keeps it
   */
  admit(
    { id, attempt }: Pick<PendingJob, 'id' | 'attempt'>,
    { held, openDependencies, notBefore }: WaitingJob,
    onTime: () => void,
  ): boolean {
    this.wake(id);
    if (held || openDependencies > 0) {
      this.reasons.set(id, held ? 'held' : 'dependency');
      return true;
    }
    if (notBefore === null || notBefore <= Date.now()) return false;
    this.reasons.set(id, attempt > 1 ? 'backoff' : 'start_after');
    this.alarm.set(id, notBefore, () => {
      this.reasons.delete(id);
      onTime();
    });
    return true;
  }

  /** It no longer waits for a time, or for others. */
  wake(job: JobId): void {
    this.alarm.forget(job);
    this.reasons.delete(job);
  }

  clear(): void {
    this.alarm.clear();
    this.reasons.clear();
  }
}
