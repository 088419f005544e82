import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { AllocatedDevice, Cause } from '@berth/contract';
import type { Account } from '@berth/task-shim';
import { deviceEnvironment, inheritedEnvironment } from '../job-environment.js';
import { type JobRecord, type JobSpec, type PlacedAttempt, placedAttempt } from '../ledger/record.js';
import type { TaskReference } from '../ledger/task-reference.js';
import { slurmEnvironment } from './slurm-environment.js';
import type { WatchedTask } from './watched-task.js';

/** Where `import berth` finds what reports metrics: behind all that a job has itself. */
const PYTHON = fileURLToPath(new URL('../../../../python', import.meta.url));

// Once: it is the same for all tasks.
const inherited = inheritedEnvironment();

/** Identifies a task among all processes of the host: every process that it starts inherits this. */
export function taskId({ job, attempt, rank }: TaskReference): string {
  return `${job}.${attempt}.${rank}`;
}

/**
 * The environment of a task: the daemon's harmless part, then the job's own, then what Berth says.
 * @param checkpoint the file that its job may write for its next attempt
 * @param account as which it runs; undefined: as the daemon
 */
export function taskEnvironment(
  task: WatchedTask,
  record: JobRecord,
  checkpoint: string,
  account: Account | undefined,
): Record<string, string> {
  const { spec } = task;
  const placed = placedAttempt(record, task.attempt);
  return {
    ...inherited,
    ...(account ? loginOf(account) : {}),
    PYTHONUNBUFFERED: '1',
    ...(spec.launch === 'perDevice' ? distributed(task.rank, placed) : {}),
    ...slurmEnvironment(task, record, spec, placed),
    ...spec.environment,
    ...deviceEnvironment(devicesSeen(task.rank, spec, placed)),
    BERTH_JOB_ID: task.job,
    BERTH_JOB_NUMBER: record.number as string,
    BERTH_ATTEMPT: String(task.attempt),
    BERTH_RANK: String(task.rank),
    BERTH_TASK_ID: taskId(task),
    BERTH_METRICS_FILE: join(task.directory, 'metrics.jsonl'),
    BERTH_CHECKPOINT_FILE: checkpoint,
    PYTHONPATH: [spec.environment.PYTHONPATH, PYTHON].filter(Boolean).join(':'),
    BERTH_SUBMIT_DIRECTORY: spec.workingDirectory,
    ...restartReason(task.attempt, record),
  };
}

/** What a login would set. The daemon's own folder for temporary files is nothing to others. */
function loginOf({ name, home, shell }: Account): Record<string, string> {
  return { HOME: home, USER: name, LOGNAME: name, SHELL: shell, TMPDIR: '/tmp' };
}

/** Why there is another attempt: how the one before it ended. One that went well is made again by a person only. */
function restartReason(attempt: number, record: JobRecord): Record<string, string> {
  if (attempt === 1) return {};
  const before = record[`attempt:${attempt - 1}:cause`];
  return { BERTH_RESTART_REASON: before ? (JSON.parse(before) as Cause).code : 'user' };
}

/** All devices of the job; but CUDA shows a process one MIG instance alone, so each rank on instances sees its own. */
function devicesSeen(rank: number, spec: JobSpec, { devices }: PlacedAttempt): readonly AllocatedDevice[] {
  const own = devices[rank];
  return spec.launch === 'perDevice' && own?.uuid.startsWith('MIG-') ? [own] : devices;
}

/**
 * What `torch.distributed` reads with `env://`, as torchrun sets it (PyTorch, "torchrun: Environment Variables"):
 * every rank sees all devices of the job, and its own is `cuda:LOCAL_RANK`.
 */
function distributed(rank: number, placed: PlacedAttempt): Record<string, string> {
  const size = String(placed.tasks.length);
  return {
    RANK: String(rank),
    LOCAL_RANK: String(rank),
    WORLD_SIZE: size,
    LOCAL_WORLD_SIZE: size,
    MASTER_ADDR: '127.0.0.1',
    MASTER_PORT: String(placed.masterPort),
  };
}
