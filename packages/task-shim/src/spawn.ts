import { setTimeout as sleep } from 'node:timers/promises';
import { native } from './native.js';

/** A process lets go of its files some time before it is gone for good. */
const LEAVING_MS = 1000;
const LOOK_EVERY_MS = 5;

export interface DetachedProcess {
  /** An absolute path. */
  file: string;
  argv: string[];
  /** All of it: nothing of our own environment is added. */
  environment: NodeJS.ProcessEnv;
  workingDirectory?: string;
  /** Descriptors; /dev/null where they are left out. */
  stdin?: number;
  stdout?: number;
  stderr?: number;
  /** Other descriptors that the process shall have, and as which. All that isn't named is closed. */
  inherit?: { from: number; to: number }[];
  /** Whether to keep it as a child, so that `endingOf` can tell how it ended; that has to be asked then. It outlives us all the same. */
  asChild?: boolean;
}

/** How a process ended: with a code, by a signal, or, where both are null, nobody knows. */
export interface Ending {
  exitCode: number | null;
  /** Such as `SIGKILL`. */
  signal: string | null;
}

/** A program could not be executed. */
export class SpawnError extends Error {
  override readonly name = 'SpawnError';
  /** The errno's name. */
  readonly code: string;
  readonly file: string;

  constructor(file: string, cause: NodeJS.ErrnoException) {
    super(cause.message, { cause });
    this.code = cause.code ?? 'EIO';
    this.file = file;
  }
}

/**
 * Starts a process in its own session, with default signals; unless it is wanted, no child of ours, and never a zombie here.
 * @returns its pid
 * @throws SpawnError
 */
export function spawnDetached(process: DetachedProcess): number {
  const descriptors: [number, number][] = [process.stdin, process.stdout, process.stderr].flatMap((fd, to) =>
    fd === undefined ? [] : [[fd, to] as [number, number]],
  );
  for (const { from, to } of process.inherit ?? []) descriptors.push([from, to]);
  const environment = Object.entries(process.environment).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}=${value}`],
  );
  const { file, argv, workingDirectory = null, asChild = false } = process;
  try {
    return native.spawnDetached(file, argv, environment, workingDirectory, descriptors, asChild);
  } catch (error) {
    throw new SpawnError(file, error as NodeJS.ErrnoException);
  }
}

/** How a process ended that is known to be over, or about to be. @param pid as `spawnDetached` gave it; null: it was started by somebody else */
export async function endingOf(pid: number | null): Promise<Ending> {
  for (let waited = 0; pid !== null && waited < LEAVING_MS; waited += LOOK_EVERY_MS) {
    const ending = native.endingOf(pid);
    if (ending) return ending;
    await sleep(LOOK_EVERY_MS);
  }
  return { exitCode: null, signal: null };
}
