import type { PendingReason } from '@berth/contract';
import { policyOf } from './policy.js';
import type { Needs, SchedulerState } from './state.js';

interface Held {
  gpus: number;
  jobs: number;
}

/** What users hold, and how many of a group run, against what they may. For the length of one decision. */
export class Limits {
  private readonly state: SchedulerState;
  private readonly users = new Map<string, Held>();
  private readonly groups = new Map<string, number>();

  constructor(state: SchedulerState) {
    this.state = state;
    for (const { needs, gpus } of state.allocations.values()) this.add(needs, gpus);
  }

  /** A job of these needs gets devices worth so many. */
  add({ user, limitedGroup }: Needs, gpus: number): void {
    const held = this.of(user);
    this.users.set(user, { gpus: held.gpus + gpus, jobs: held.jobs + 1 });
    if (limitedGroup) this.groups.set(limitedGroup.id, (this.groups.get(limitedGroup.id) ?? 0) + 1);
  }

  /** What keeps a job of these needs waiting, whatever devices are free; null: nothing. */
  refusal({ user, gpus: wanted, share, limitedGroup }: Needs): PendingReason | null {
    const { gpus: most, runningJobs } = policyOf(this.state.policy, user);
    const held = this.of(user);
    if (runningJobs !== null && held.jobs >= runningJobs) {
      const sentence = `${held.jobs} job${held.jobs === 1 ? ` of ${user} runs` : `s of ${user} run`}, which is as many as may at a time`;
      return { code: 'quota', sentence };
    }
    // A part of a device is at most one; what it comes to is known when the device is.
    if (most !== null && held.gpus + (share ? 0 : wanted) > most - (share ? 1e-9 : 0)) {
      const sentence = `needs ${share ? 'a part of a device' : wanted}; ${user} holds ${figure(held.gpus)} of at most ${most} device${most === 1 ? '' : 's'}`;
      return { code: 'quota', sentence };
    }
    const running = limitedGroup && (this.groups.get(limitedGroup.id) ?? 0);
    if (limitedGroup && running !== null && running >= limitedGroup.maxParallel) {
      const sentence = `${running} jobs of its group run, which is as many as may at a time (maxParallel)`;
      return { code: 'max_parallel', sentence };
    }
    return null;
  }

  private of(user: string): Held {
    return this.users.get(user) ?? { gpus: 0, jobs: 0 };
  }
}

const figure = (gpus: number): string => String(Math.round(gpus * 100) / 100);
