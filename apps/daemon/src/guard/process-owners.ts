import type { JobId } from '@berth/contract';
import { readProcess, readVariable } from './host-process.js';

/** A task that runs on this host, with the process that all of its processes descend from. */
export interface RunningTask {
  job: JobId;
  number: number;
  attempt: number;
  rank: number;
  shimPid: number;
  shimStartTicks: number;
}

/** More generations than any tree of processes has. */
const MOST_ANCESTORS = 64;

/**
 * Finds out whose a process is, by what the shim itself goes by: whatever a task starts is reparented to its shim, so the
 * shim is always among the ancestors; and whatever inherits the task's environment belongs to it, as what runs in a
 * container does that the environment was passed to.
 */
export class ProcessOwners {
  private readonly tasks: () => readonly RunningTask[];
  /** What was found, by pid, for as long as the process is asked about: one that has just ended still has its owner. */
  private found = new Map<number, { startTicks: number | null; task: RunningTask | null }>();

  constructor(tasks: () => readonly RunningTask[]) {
    this.tasks = tasks;
  }

  /** The task that a process belongs to; null: to none. */
  ownerOf(pid: number): RunningTask | null {
    const known = this.found.get(pid);
    const process = readProcess(pid);
    if (known && (process === null || process.startTicks === known.startTicks) && known.task)
      return known.task;
    const task = process ? this.search(pid) : null;
    this.found.set(pid, { startTicks: process?.startTicks ?? null, task });
    return task;
  }

  /** Forgets all processes but these. */
  keep(pids: ReadonlySet<number>): void {
    for (const pid of this.found.keys()) if (!pids.has(pid)) this.found.delete(pid);
  }

  private search(pid: number): RunningTask | null {
    const tasks = this.tasks();
    if (tasks.length === 0) return null;
    let process = readProcess(pid);
    for (let i = 0; process && process.pid > 1 && i < MOST_ANCESTORS; i += 1) {
      const { pid: ancestor, startTicks } = process;
      const task = tasks.find((each) => each.shimPid === ancestor && each.shimStartTicks === startTicks);
      if (task) return task;
      process = readProcess(process.parent);
    }
    const id = readVariable(pid, 'BERTH_TASK_ID');
    return tasks.find((task) => id === `${task.job}.${task.attempt}.${task.rank}`) ?? null;
  }
}
