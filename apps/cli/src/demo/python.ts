import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { CliError, EXIT } from '../exit-codes.js';

/** Importing torch from a cold disk takes its time. */
const IMPORT_MILLISECONDS = 120_000;
const QUESTION = 'import sys, torch; print(sys.executable); print(torch.__version__)';

export interface Python {
  /** The interpreter itself, not a link of a version manager. */
  path: string;
  torchVersion: string;
}

/** The first python that can import torch. @throws CliError with what to install */
export async function findTorch(
  environment: Record<string, string | undefined>,
  signal: AbortSignal,
): Promise<Python> {
  const candidates = [...new Set([environment.BERTH_PYTHON || 'python3', 'python3', '/usr/bin/python3'])];
  for (const candidate of candidates) {
    const python = await askForTorch(candidate, signal);
    if (python) return python;
  }
  const tried = candidates.join(', ');
  const hint =
    'install it (apt-get install python3-torch, or pip install torch), or name a python in BERTH_PYTHON';
  throw new CliError(EXIT.failure, `no python here can import torch (tried ${tried}); ${hint}`);
}

async function askForTorch(program: string, signal: AbortSignal): Promise<Python | null> {
  const child = spawn(program, ['-c', QUESTION], {
    stdio: ['ignore', 'pipe', 'ignore'],
    timeout: IMPORT_MILLISECONDS,
    signal,
  });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  try {
    await once(child, 'close');
  } catch {
    signal.throwIfAborted();
    return null;
  }
  const [path, torchVersion] = output.split('\n');
  return path && torchVersion && child.exitCode === 0 ? { path, torchVersion } : null;
}
