import type { DataDirectory } from '../data-directory.js';
import type { TaskReference } from '../ledger/task-reference.js';
import { TaskInsight } from './task-insight.js';

/** Of so many tasks is kept what was read; others are read again from their beginning. */
const MOST_TASKS = 128;

/** What tasks say of their training. Read from their output when somebody asks: so it is there after a restart as well. */
export class Insights {
  private readonly directories: DataDirectory;
  /** In the order in which they were last asked for. */
  private readonly tasks = new Map<string, TaskInsight>();

  constructor(directories: DataDirectory) {
    this.directories = directories;
  }

  /**
   * @param isOver whether the task has ended
   * @returns as of this moment
   */
  async of({ job, attempt, rank }: TaskReference, isOver: boolean): Promise<TaskInsight['training']> {
    const directory = this.directories.task(job, attempt, rank);
    const insight = this.tasks.get(directory) ?? new TaskInsight(directory);
    this.tasks.delete(directory);
    this.tasks.set(directory, insight);
    const [oldest] = this.tasks.keys();
    if (this.tasks.size > MOST_TASKS && oldest) this.tasks.delete(oldest);
    await insight.catchUp(isOver);
    return insight.training;
  }
}
