import { chmodSync, chownSync, closeSync, existsSync, mkdirSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { type Account, accountNamed } from '@berth/task-shim';
import type { DataDirectory } from '../data-directory.js';
import type { TaskReference } from '../ledger/task-reference.js';

/**
 * Makes ready what a task of an account needs of the data directory. The task's folder stays ours, so that records and log
 * are what the shim wrote: the account may pass through, and has its script and its metrics there. Nothing of ours is ever
 * written into a folder of the account's, where a link could lead anywhere.
 * @returns undefined: it runs as we do
 */
export function prepareAccount(
  directories: DataDirectory,
  { job, attempt, rank }: TaskReference,
  name: string | null,
): Account | 'missing' | undefined {
  if (name === null) return undefined;
  const account = accountNamed(name);
  if (!account || account.uid === 0) return 'missing';
  const { uid, gid } = account;
  const task = directories.task(job, attempt, rank);
  chmodSync(task, 0o711);
  const metrics = join(task, 'metrics.jsonl');
  closeSync(openSync(metrics, 'a', 0o600));
  chownSync(metrics, uid, gid);
  const script = join(task, 'script');
  if (existsSync(script)) chownSync(script, uid, gid);
  const own = directories.ownFolder(job);
  // Another rank's worker may have been faster.
  if (!existsSync(own)) mkdirSync(own, { mode: 0o700, recursive: true });
  chownSync(own, uid, gid);
  return account;
}
