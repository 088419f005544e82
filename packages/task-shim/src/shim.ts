import { execFile } from 'node:child_process';
import { read } from 'node:fs';
import { promisify } from 'node:util';
import type { HeldLock } from './lock.js';
import { type Account, native, shimPath } from './native.js';
import { spawnDetached } from './spawn.js';

export { shimPath };

const LOCK_FD = 3;
const READY_FD = 4;
const STARTED = 'started\n';

export interface ShimOptions {
  /** The task's folder; it must exist. */
  directory: string;
  /** The folder's `lock`, ours: it goes over to the shim. */
  lock: HeldLock;
  graceSeconds: number;
  /** For what is left when the command has ended by itself: 2, and never more than the grace period. */
  killAfterExitSeconds?: number;
  logLimitBytes: number;
  workingDirectory: string;
  /** The folder of the control group that the command runs in; the shim removes it at the end. */
  controlGroup?: string | undefined;
  /** As whom the command runs, where we are root; `missing`: it can't be started, for there is no such account. */
  account?: Pick<Account, 'uid' | 'gid' | 'groups'> | 'missing' | undefined;
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
  const [ear, mouth] = native.makePipe();
  const argv = [shimPath, '--dir', options.directory, '--cwd', options.workingDirectory];
  argv.push('--lock-fd', String(LOCK_FD), '--ready-fd', String(READY_FD));
  argv.push('--grace', String(options.graceSeconds));
  argv.push('--kill-after-exit', String(options.killAfterExitSeconds ?? 2));
  if (options.controlGroup) argv.push('--cgroup', options.controlGroup);
  if (options.account) argv.push('--as', describeAccount(options.account));
  argv.push('--log-limit', String(options.logLimitBytes), '--', ...options.command);
  try {
    const inherit = [
      { from: options.lock.fd, to: LOCK_FD },
      { from: mouth, to: READY_FD },
    ];
    const pid = spawnDetached({ file: shimPath, argv, environment: options.environment, inherit });
    return { pid, ready: readWord(ear) };
  } catch (error) {
    native.close(ear);
    throw error;
  } finally {
    native.close(mouth);
    options.lock.release();
  }
}

function describeAccount(account: NonNullable<ShimOptions['account']>): string {
  if (account === 'missing') return account;
  return `${account.uid}:${account.gid}:${account.groups.join(',')}`;
}

/** The shim speaks within moments, or dies, which closes the pipe: one thread of libuv's pool may wait for that. */
function readWord(fd: number): Promise<'started' | 'failed'> {
  return new Promise((resolve) => {
    const word = Buffer.alloc(STARTED.length);
    read(fd, word, 0, word.length, null, (_error, bytes) => {
      native.close(fd);
      resolve(bytes === STARTED.length && word.toString() === STARTED ? 'started' : 'failed');
    });
  });
}

/**
 * Ends all that is left of a task whose shim was killed: every process that has `BERTH_TASK_ID` with this value in its
 * environment, and all below them.
 * @returns how many there were
 */
export async function sweepTask(task: string): Promise<number> {
  const { stdout } = await promisify(execFile)(shimPath, ['--sweep', task], { env: {} });
  return Number(stdout);
}
