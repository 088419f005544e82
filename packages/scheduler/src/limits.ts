import type { PendingReason } from '@berth/contract';
import { policyOf } from './policy.js';
import type { Needs, SchedulerState } from './state.js';

interface Held {
  /** In millionths: parts of devices, added in whatever order, come to the same. */
  gpus: number;
  jobs: number;
}

const MILLION = 1e6;
/** What is rounded off parts of devices comes to no more than this, in millionths. */
const ROUNDED_OFF = 1000;

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
    this.users.set(user, { gpus: held.gpus + Math.round(gpus * MILLION), jobs: held.jobs + 1 });
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
    const left = most === null ? Infinity : most * MILLION - held.gpus;
    // What a part of a device comes to is known when the device is: it may begin where anything is left.
    if (share ? left <= ROUNDED_OFF : left + ROUNDED_OFF < wanted * MILLION) {
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

const figure = (millionths: number): string => String(Math.round(millionths / 10_000) / 100);
