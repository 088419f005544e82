import { join } from 'node:path';
import type { AllocatedDevice } from '@berth/contract';
import type { JobRecord, JobSpec, PlacedAttempt } from '../ledger/record.js';
import type { TaskReference } from '../ledger/task-reference.js';

/** What a task inherits from the daemon's environment: where programs are, who runs them, how they speak. Nothing secret. */
const INHERITED =
  /^(PATH|HOME|USER|LOGNAME|SHELL|LANG|LC_[A-Z]+|TZ|TMPDIR|LD_LIBRARY_PATH|CUDA_HOME|BERTH_SIMULATED_[A-Z]+)$/;

const inherited = Object.fromEntries(
  Object.entries(process.env).filter(
    (entry): entry is [string, string] => INHERITED.test(entry[0]) && entry[1] !== undefined,
  ),
);

/** Identifies a task among all processes of the host: every process that it starts inherits this. */
export function taskId({ job, attempt, rank }: TaskReference): string {
  return `${job}.${attempt}.${rank}`;
}

/** The environment of a task: the daemon's harmless part, then the job's own, then what Berth says. */
export function taskEnvironment(
  task: TaskReference,
  record: JobRecord,
  spec: JobSpec,
  placed: PlacedAttempt,
  directory: string,
): Record<string, string> {
  return {
    ...inherited,
    PYTHONUNBUFFERED: '1',
    ...(spec.launch === 'perDevice' ? distributed(task.rank, placed) : {}),
    ...spec.environment,
    // CUDA's own default order is by speed, which differs from nvidia-smi's and from ours.
    CUDA_DEVICE_ORDER: 'PCI_BUS_ID',
    CUDA_VISIBLE_DEVICES: visibleDevices(devicesSeen(task.rank, spec, placed)),
    BERTH_JOB_ID: task.job,
    BERTH_JOB_NUMBER: record.number as string,
    BERTH_ATTEMPT: String(task.attempt),
    BERTH_RANK: String(task.rank),
    BERTH_TASK_ID: taskId(task),
    BERTH_METRICS_FILE: join(directory, 'metrics.jsonl'),
  };
}

/**
 * A mask of exactly these devices, in this order. By index, since tools that read the variable with `int()` are many;
 * MIG instances have no index, so they go by UUID.
 */
export function visibleDevices(devices: readonly AllocatedDevice[]): string {
  const byUuid = devices.some(({ uuid }) => uuid.startsWith('MIG-'));
  return devices.map(({ uuid, index }) => (byUuid ? uuid : index)).join(',');
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
