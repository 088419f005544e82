import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import type { Account } from '@berth/task-shim';
import { type Copied, CopiedSchema, type CopyRequest } from './copy.js';
import { SnapshotRefused } from './tree.js';

const PROGRAM = fileURLToPath(new URL('./copy-program.js', import.meta.url));
/** A repository of somebody else's may hold what answers never: a pipe instead of a file. */
const LIMIT_SECONDS = 60;

/**
 * Copies a tree with the rights of an account, by a process that has no others: so we read nothing for it that it may not read
 * itself, and whatever its files are, they can do nothing to us.
 * @throws SnapshotRefused
 */
export async function copyAs(account: Account, request: CopyRequest): Promise<Copied> {
  const { name } = account;
  const child = spawn(process.execPath, [PROGRAM, JSON.stringify({ account, request })], {
    cwd: '/',
    // What git is given to write in goes with the rest if it is killed.
    env: { PATH: process.env.PATH, TMPDIR: request.target },
    stdio: ['ignore', 'pipe', 'inherit'],
    // A group of its own, to be ended as a whole.
    detached: true,
  });
  let isLate = false;
  const timer = setTimeout(() => {
    isLate = true;
    if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
  }, LIMIT_SECONDS * 1000);
  try {
    const ended = new Promise<string>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (code, signal) => resolve(String(signal ?? code)));
    });
    const [said, how] = await Promise.all([text(child.stdout), ended]);
    if (isLate) throw new SnapshotRefused(`it took ${name} more than ${LIMIT_SECONDS} s`);
    if (how !== '0') throw new SnapshotRefused(`the process that copied as ${name} ended with ${how}`);
    const { copied, refused } = JSON.parse(said) as { copied?: unknown; refused?: string };
    if (refused !== undefined) throw new SnapshotRefused(refused);
    return CopiedSchema.parse(copied);
  } finally {
    clearTimeout(timer);
  }
}
