import { spawn } from 'node:child_process';
import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const PROBE = fileURLToPath(new URL('../../python/torch_probe.py', import.meta.url));
/** Importing torch from a cold disk takes its time. */
const PATIENCE_MS = 60_000;
/** What is kept of what a python says: the end, where the answer is. */
const LONGEST_OUTPUT = 64 * 1024;

/** What torch_probe.py says. */
export interface TorchFacts {
  python: string;
  executable: string;
  /** Its version; null: it can't be imported, and `error` says why. */
  torch: string | null;
  error: string | null;
  /** The CUDA that it was built for; null: none. */
  cuda?: string | null;
  hip?: string | null;
  cudnn?: number | null;
  available?: boolean;
  devices?: string[];
  /** Such as `sm_90`. */
  architectures?: string[];
  warnings?: string[];
}

/** What a shell would start for `python3`, else for `python`; null: there is neither. */
export function findPython({ PATH }: NodeJS.ProcessEnv): string | null {
  const folders = (PATH ?? '').split(delimiter).filter(Boolean);
  for (const name of ['python3', 'python']) {
    const found = folders.map((folder) => join(folder, name)).find(isProgram);
    if (found) return found;
  }
  return null;
}

/** Asks a python for its PyTorch, in a process of its own. A text says why it gave no answer. */
export function probeTorch(
  python: string,
  environment: NodeJS.ProcessEnv,
  patienceMs = PATIENCE_MS,
): Promise<TorchFacts | string> {
  return new Promise((resolve) => {
    // A group of its own: a python may be a script that starts the real one.
    const child = spawn(python, [PROBE], {
      env: environment,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const said = { stdout: '', stderr: '' };
    for (const name of ['stdout', 'stderr'] as const) {
      child[name].setEncoding('utf8').on('data', (text: string) => {
        said[name] = (said[name] + text).slice(-LONGEST_OUTPUT);
      });
    }
    const timer = setTimeout(() => {
      endGroup(child.pid);
      // Nothing is waited for: in a driver that hangs, a process can't even be killed.
      child.stdout.destroy();
      child.stderr.destroy();
      child.unref();
      resolve(`it gave no answer within ${patienceMs / 1000} s`);
    }, patienceMs);
    child.once('error', (error) => {
      clearTimeout(timer);
      resolve(whyNotStarted(error));
    });
    child.once('close', (code, signal) => {
      clearTimeout(timer);
      resolve(factsIn(said.stdout) ?? whyNoFacts(said, code, signal));
    });
  });
}

function factsIn(output: string): TorchFacts | null {
  const line = output.trimEnd().split('\n').at(-1) ?? '';
  try {
    const facts = JSON.parse(line) as TorchFacts | null;
    return typeof facts?.python === 'string' ? facts : null;
  } catch {
    return null;
  }
}

function whyNotStarted({ code, message }: NodeJS.ErrnoException): string {
  if (code === 'ENOENT') return 'there is no such program';
  if (code === 'EACCES') return 'it may not be executed';
  return message;
}

function whyNoFacts(
  { stderr }: { stderr: string },
  code: number | null,
  signal: NodeJS.Signals | null,
): string {
  const lastWords = stderr.trim().split('\n').at(-1) ?? '';
  if (signal) return `importing torch ended it with ${signal}${lastWords && `: ${lastWords}`}`;
  if (lastWords) return lastWords;
  return `it ended with exit code ${code} and did not do what a python does`;
}

function endGroup(pid: number | undefined): void {
  try {
    if (pid !== undefined) process.kill(-pid, 'SIGKILL');
  } catch {
    // It has just ended.
  }
}

function isProgram(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}
