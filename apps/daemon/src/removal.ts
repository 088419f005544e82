import { execFile } from 'node:child_process';
import { lstat, readdir, rm, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

/**
 * Removes a file or folder of a job. What lies in a folder of another account is removed as that account: it could put a link in
 * our way while we are at it, and have us remove what is others'.
 */
export async function removeEntry(path: string): Promise<void> {
  const entry = await lstat(path).catch(() => null);
  if (entry?.isDirectory() && process.getuid?.() === 0) {
    const { uid, gid } = entry;
    if (uid !== 0) {
      await promisify(execFile)('find', [path, '-mindepth', '1', '-delete'], { uid, gid, cwd: '/' });
      await rmdir(path);
      return;
    }
    for (const name of await readdir(path)) await removeEntry(join(path, name));
  }
  await rm(path, { recursive: true, force: true, maxRetries: 3 });
}
