import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Written by the shim before the command's first instruction. Times in ms since the epoch. */
export interface StartRecord {
  shimPid: number;
  /** The command's. */
  pid: number;
  startedAt: number;
  /** Tells a record from before a reboot. */
  bootId: string;
  /** proc(5), field 22 of the shim: with the boot, it tells the shim from a later process of its pid. */
  shimStartTicks: number;
  /** Whether it understands orders; those of older versions don't. */
  takesOrders?: boolean;
}

/** Written by the shim when no process of the task is left, before it lets go of the task's lock. */
export interface ExitRecord {
  /** null after a signal or a launch error. */
  exitCode: number | null;
  /** Such as `SIGKILL`. */
  signal: string | null;
  startedAt: number;
  endedAt: number;
  /** Peak host memory of the largest process. */
  maxRssBytes: number;
  /** Of all processes of the task. */
  userCpuSeconds: number;
  systemCpuSeconds: number;
  /** When the shim was asked to stop the task; null: never. */
  stopRequestedAt: number | null;
  /** When SIGTERM went to all, whoever wanted it; null: never. */
  termSentAt: number | null;
  /** The signal with which its end began, so that it could save its work; null: SIGTERM, or nobody asked for an end. */
  checkpointSignal: string | null;
  /** Whether SIGKILL was needed. */
  killed: boolean;
  /** Processes that were still there when the command had ended. */
  leftoverProcesses: number;
  logBytes: number;
  /** Output that could not be written. */
  logDroppedBytes: number;
  launchError: {
    step: 'account' | 'working_directory' | 'exec' | 'control_group';
    errno: string;
    message: string;
  } | null;
  /** What the kernel counted of its control group; null: it had none. */
  group: {
    /** Of all its processes together, page cache included; null: the memory controller isn't there. */
    memoryPeakBytes: number | null;
    /** Processes that were killed for want of host memory. */
    oomKills: number;
    /** How often its job ran into its limit of memory, and how many forks its limit of processes refused. */
    memoryLimitHits: number;
    forksRefused: number;
  } | null;
}

/** The start record in a task's folder; null where there is none (or none that can be read, after a power failure). */
export function readStartRecord(directory: string): StartRecord | null {
  return read<StartRecord>(join(directory, 'start.json'));
}

export function readExitRecord(directory: string): ExitRecord | null {
  const record = read<ExitRecord>(join(directory, 'exit.json'));
  // Shims of older versions say less.
  return (
    record && {
      ...record,
      termSentAt: record.termSentAt ?? null,
      checkpointSignal: record.checkpointSignal ?? null,
      group: record.group ?? null,
    }
  );
}

/** Forbids for ever that a task is started. Only who holds the task's lock may say so. */
export function writeTombstone(directory: string): void {
  closeSync(openSync(join(directory, 'tombstone'), 'a', 0o600));
}

function read<Record>(file: string): Record | null {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Record;
  } catch {
    return null;
  }
}

/** Whether a task was started since this host booted. */
export function isOfThisBoot({ bootId }: Pick<StartRecord, 'bootId'>): boolean {
  return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim() === bootId;
}
