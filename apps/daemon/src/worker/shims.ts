import { join } from 'node:path';
import {
  type ControlGroups,
  endTaskGroup,
  type HeldLock,
  makeTaskGroup,
  shimPath,
  startShim,
  sweepTask,
} from '@berth/task-shim';
import type { Logger } from 'pino';
import { checkpointFile } from '../checkpoint-files.js';
import type { DataDirectory } from '../data-directory.js';
import type { JobRecord } from '../ledger/record.js';
import type { TaskReference } from '../ledger/task-reference.js';
import { prepareAccount } from './account.js';
import { taskCommand } from './command.js';
import { taskEnvironment, taskId } from './environment.js';
import { isStarted, type WatchedTask } from './watched-task.js';

const NO_LIMITS = { memoryBytes: null, cpus: null, processes: null };

/** A shim ended before its command began: it was killed, had no room for its record, or can't run here at all. */
class ShimFailed extends Error {
  override readonly name = 'ShimFailed';

  constructor() {
    super(
      `its shim (${shimPath}) ended before the command began; where that goes on, it has no room for its record, or is of ` +
        'another build than berthd: npm run setup makes both',
    );
  }
}

interface Options {
  directories: DataDirectory;
  /** null: this host has none. */
  groups: ControlGroups | null;
  logLimit: number;
  log: Logger;
}

/** Starts the shims that run tasks, and kills what a dead one has left. */
export class Shims {
  private readonly options: Options;

  constructor(options: Options) {
    this.options = options;
  }

  /**
   * Resolves when the task's command has begun, or could not be begun for a reason of its own.
   * @param lock the task's, which goes over to the shim
   * @throws ShimFailed, and what keeps a process from being started
   */
  async start(task: WatchedTask, record: JobRecord, lock: HeldLock): Promise<void> {
    const { directories, logLimit } = this.options;
    const { job, spec, directory } = task;
    const command = taskCommand(spec, directory);
    const account = prepareAccount(directories, task, spec.account);
    const shim = startShim({
      directory,
      lock,
      graceSeconds: spec.gracePeriod,
      logLimitBytes: logLimit,
      controlGroup: this.makeGroup(task),
      workingDirectory: spec.code?.snapshot?.directory ?? spec.workingDirectory,
      account,
      environment: taskEnvironment(
        task,
        record,
        checkpointFile(directories, job, spec.account),
        account === 'missing' ? undefined : account,
      ),
      command,
    });
    if ((await shim.ready) === 'failed' && !isStarted(task)) throw new ShimFailed();
  }

  /** Kills all that is left of a task. @returns how many processes there were */
  async sweep(task: TaskReference): Promise<number> {
    const survivors = await sweepTask(taskId(task));
    if (this.options.groups) await endTaskGroup(groupOf(task, this.options.groups));
    return survivors;
  }

  /** Where it can't be made, a job without limits runs without it; one with limits finds the folder missing, and is not started. */
  private makeGroup(task: WatchedTask): string | undefined {
    const { groups, log } = this.options;
    if (!groups) return undefined;
    const { job, attempt, rank, spec } = task;
    try {
      return makeTaskGroup(groups, `${job}.${attempt}`, rank, spec.limits ?? NO_LIMITS);
    } catch (error) {
      log.warn({ task: taskId(task), error: (error as Error).message }, 'a task gets no control group');
      return spec.limits ? groupOf(task, groups) : undefined;
    }
  }
}

function groupOf({ job, attempt, rank }: TaskReference, { directory }: ControlGroups): string {
  return join(directory, `${job}.${attempt}`, String(rank));
}
