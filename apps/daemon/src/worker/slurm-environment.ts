import type { JobRecord, JobSpec, PlacedAttempt } from '../ledger/record.js';
import type { TaskReference } from '../ledger/task-reference.js';

/**
 * What training code that was written for Slurm reads of its job, by the names that sbatch(1) and srun(1) give it.
 * Not all of it: libraries take some names for the word of a launcher (docs/decisions/0017).
 */
export function slurmEnvironment(
  task: TaskReference,
  record: JobRecord,
  spec: JobSpec,
  placed: PlacedAttempt,
): Record<string, string> {
  const { group } = spec;
  return {
    SLURM_JOB_ID: record.number as string,
    SLURM_JOB_NAME: record.name as string,
    SLURM_JOB_USER: record.user as string,
    SLURM_SUBMIT_DIR: spec.workingDirectory,
    SLURM_GPUS_ON_NODE: String(placed.devices.length),
    ...(task.attempt > 1 ? { SLURM_RESTART_COUNT: String(task.attempt - 1) } : {}),
    ...(group ? { SLURM_ARRAY_JOB_ID: group.id, SLURM_ARRAY_TASK_ID: String(group.index) } : {}),
    ...(spec.launch === 'perDevice' ? layout(task.rank, placed.tasks.length) : {}),
  };
}

/**
 * What srun says to one process of several. Only where Berth starts one per device: told so, Lightning and others start no
 * processes of their own, and wait for those that they believe somebody else has started.
 */
function layout(rank: number, tasks: number): Record<string, string> {
  return {
    SLURM_PROCID: String(rank),
    SLURM_LOCALID: String(rank),
    SLURM_NODEID: '0',
    SLURM_NNODES: '1',
    SLURM_NTASKS: String(tasks),
    SLURM_NTASKS_PER_NODE: String(tasks),
  };
}
