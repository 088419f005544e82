import { native } from './native.js';

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
 * Starts a process that is no child of ours: in its own session, with default signals, and never a zombie here.
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
  const { file, argv, workingDirectory = null } = process;
  try {
    return native.spawnDetached(file, argv, environment, workingDirectory, descriptors);
  } catch (error) {
    throw new SpawnError(file, error as NodeJS.ErrnoException);
  }
}
