import { stat } from 'node:fs/promises';
import type { DataDirectory } from '../data-directory.js';
import type { TaskReference } from '../ledger/task-reference.js';
import { openEventFiles } from './open-event-files.js';
import { reportsIn, TaskInsight } from './task-insight.js';

/** Of so many tasks is kept what was read; others are read again from their beginning. */
const MOST_TASKS = 128;

/** What tasks say of their training. Read from their output when somebody asks: so it is there after a restart as well. */
export class Insights {
  private readonly directories: DataDirectory;
  private readonly processesOf: (task: TaskReference) => readonly number[];
  /** In the order in which they were last asked for. */
  private readonly tasks = new Map<string, TaskInsight>();

  /** @param processesOf the processes of a task that runs; none where it doesn't */
  constructor(
    directories: DataDirectory,
    processesOf: (task: TaskReference) => readonly number[] = () => [],
  ) {
    this.directories = directories;
    this.processesOf = processesOf;
  }

  /**
   * @param isOver whether the task has ended
   * @returns as of this moment
   */
  async of({ job, attempt, rank }: TaskReference, isOver: boolean): Promise<TaskInsight['training']> {
    const task = { job, attempt, rank };
    if (!isOver) await this.lookForEventFiles(task);
    const insight = this.insightOf(task);
    await insight.catchUp(isOver);
    return insight.training;
  }

  /**
   * Does what can't wait until somebody asks: takes notice of event files while they are open, and keeps what tasks have reported small
   * on the disk.
   * @param running the tasks that run now
   * @param mostBytes how much the reports of one may take
   */
  async attend(running: readonly TaskReference[], mostBytes: number): Promise<void> {
    for (const task of running) {
      await this.lookForEventFiles(task);
      const file = reportsIn(this.directories.task(task.job, task.attempt, task.rank));
      const found = await stat(file).catch(() => null);
      if (found && found.blocks * 512 > mostBytes) await this.insightOf(task).compact();
    }
  }

  private async lookForEventFiles(task: TaskReference): Promise<void> {
    const found = await openEventFiles(this.processesOf(task));
    if (found.length > 0) await this.insightOf(task).note(found);
  }

  private insightOf({ job, attempt, rank }: TaskReference): TaskInsight {
    const directory = this.directories.task(job, attempt, rank);
    const insight = this.tasks.get(directory) ?? new TaskInsight(directory);
    this.tasks.delete(directory);
    this.tasks.set(directory, insight);
    // Two that read the same task at the same time would keep two truths of it.
    const [oldest] = [...this.tasks].find(([, each]) => each !== insight && !each.isBusy) ?? [];
    if (this.tasks.size > MOST_TASKS && oldest) this.tasks.delete(oldest);
    return insight;
  }
}
