import { CliError, EXIT } from '../exit-codes.js';

/** Not `{task}`: it is looked for in scripts, where `${task}` would be somebody's own variable. */
export const ARRAY_PARAMETER = 'berth_array_task';

const MOST_TASKS = 10_000;

/** The tasks of a job array, and how many may run at a time. */
export interface JobArray {
  tasks: number[];
  maxParallel: number | undefined;
}

/** `0-9`, `1,3,5`, `0-15:4`, `0-9%2`, as sbatch has it. @throws CliError */
export function jobArray(text: string): JobArray {
  const [list = '', most] = text.split('%', 2);
  const tasks = new Set<number>();
  const bad = (why: string): CliError =>
    new CliError(EXIT.usage, `--array ${text}: ${why}; write for example 0-9, 1,3,5 or 0-99%4`);
  for (const part of list.split(',')) {
    const match = /^(\d{1,9})(?:-(\d{1,9})(?::([1-9]\d{0,8}))?)?$/.exec(part);
    if (!match) throw bad(`'${part}' is no range`);
    const [first = 0, last = first, step = 1] = match
      .slice(1)
      .map((each) => (each ? Number(each) : undefined));
    if (last < first) throw bad(`'${part}' runs backwards`);
    if ((last - first) / step >= MOST_TASKS) throw bad(`at most ${MOST_TASKS} tasks`);
    for (let task = first; task <= last; task += step) tasks.add(task);
  }
  if (tasks.size > MOST_TASKS) throw bad(`at most ${MOST_TASKS} tasks`);
  if (most !== undefined && !/^[1-9]\d{0,4}$/.test(most)) throw bad(`'%${most}' is no number of tasks`);
  return { tasks: [...tasks], maxParallel: most === undefined ? undefined : Number(most) };
}

/** What scripts for arrays read; the task's own number is filled in for each. */
export function arrayEnvironment({ tasks }: JobArray): Record<string, string> {
  return {
    SLURM_ARRAY_TASK_ID: `{${ARRAY_PARAMETER}}`,
    SLURM_ARRAY_TASK_COUNT: String(tasks.length),
    SLURM_ARRAY_TASK_MIN: String(Math.min(...tasks)),
    SLURM_ARRAY_TASK_MAX: String(Math.max(...tasks)),
  };
}
