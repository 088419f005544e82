import { execFile } from 'node:child_process';
import { Socket } from 'node:net';
import { promisify } from 'node:util';
import type { HeldLock } from './lock.js';
import { native, SHIM } from './native.js';
import { spawnDetached } from './spawn.js';

const LOCK_FD = 3;
const READY_FD = 4;

export interface ShimOptions {
  /** The task's folder; it must exist. */
  directory: string;
  /** The folder's `lock`, ours: it goes over to the shim. */
  lock: HeldLock;
  graceSeconds: number;
  logLimitBytes: number;
  workingDirectory: string;
  /** All of it: nothing of our own environment is added. */
  environment: Record<string, string>;
  command: readonly string[];
}

/**
 * Starts a task's shim, which outlives us.
 * @returns its pid, and a promise of whether the command runs (`failed`: the exit record says why, or there is none
 * and the shim died)
 */
export function startShim(options: ShimOptions): { pid: number; ready: Promise<'started' | 'failed'> } {
  const [read, write] = native.makePipe();
  const argv = [SHIM, '--dir', options.directory, '--cwd', options.workingDirectory];
  argv.push('--lock-fd', String(LOCK_FD), '--ready-fd', String(READY_FD));
  argv.push(
    '--grace',
    String(options.graceSeconds),
    '--leftover-grace',
    String(Math.min(2, options.graceSeconds)),
  );
  argv.push('--log-limit', String(options.logLimitBytes), '--', ...options.command);
  try {
    const inherit = [
      { from: options.lock.fd, to: LOCK_FD },
      { from: write, to: READY_FD },
    ];
    const pid = spawnDetached({ file: SHIM, argv, environment: options.environment, inherit });
    return { pid, ready: readWord(read) };
  } catch (error) {
    native.close(read);
    throw error;
  } finally {
    native.close(write);
    options.lock.release();
  }
}

function readWord(fd: number): Promise<'started' | 'failed'> {
  return new Promise((resolve) => {
    let word = '';
    const socket = new Socket({ fd, readable: true, writable: false });
    socket.setEncoding('utf8');
    socket.on('data', (text: string) => {
      word += text;
    });
    socket.on('error', () => resolve('failed'));
    socket.on('close', () => resolve(word === 'started\n' ? 'started' : 'failed'));
  });
}

/**
 * Ends all that is left of a task whose shim was killed: every process that has `BERTH_TASK_ID` with this value in its
 * environment, and all below them.
 * @returns how many there were
 */
export async function sweepTask(task: string): Promise<number> {
  const { stdout } = await promisify(execFile)(SHIM, ['--sweep', task], { env: {} });
  return Number(stdout);
}
