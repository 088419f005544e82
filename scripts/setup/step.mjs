import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * One step of the set-up.
 * @typedef {{ does: string, needed: () => string | null, run: () => void }} Step
 *   `needed` says why it must run, or null where it need not.
 */

/** The clone's root. */
export const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** Some tools name the cause first, some last. */
const LINES_SHOWN = { first: 12, last: 24 };

/** The set-up can't go on; the message says what failed and what to do. */
export class SetupError extends Error {}

/** Runs a command in the root; on failure shows the end of what it said. */
export function run(command, argv, { hint = '', env = {} } = {}) {
  const result = spawnSync(command, argv, {
    cwd: ROOT,
    env: { ...process.env, ...env },
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    maxBuffer: 2 ** 28,
  });
  if (result.status === 0) return result.stdout;
  const said = `${result.stdout ?? ''}${result.stderr ?? ''}${result.error ?? ''}`.trimEnd().split('\n');
  if (said.length > LINES_SHOWN.first + LINES_SHOWN.last) {
    said.splice(LINES_SHOWN.first, said.length - LINES_SHOWN.first - LINES_SHOWN.last, '…');
  }
  const output = said.map((line) => `  ${line}`).join('\n');
  throw new SetupError(`this failed: ${command} ${argv.join(' ')}\n${output}\n${hint}`);
}

/** The first of these programs that is on the PATH, or null. */
export function onPath(...programs) {
  const folders = (process.env.PATH ?? '').split(delimiter).filter(Boolean);
  return programs.find((program) => folders.some((folder) => existsSync(join(folder, program)))) ?? null;
}

/** A digest of files and of all files below folders, by name and content. */
export function digestOf(paths) {
  const hash = createHash('sha256');
  const add = (path) => {
    if (statSync(path).isDirectory()) {
      for (const name of readdirSync(path).sort()) add(join(path, name));
    } else {
      hash.update(path).update('\0').update(readFileSync(path)).update('\0');
    }
  };
  for (const path of paths) add(join(ROOT, path));
  return hash.digest('hex');
}

/** What a stamp of an earlier run says, or null. */
export function readStamp(file) {
  return existsSync(join(ROOT, file)) ? readFileSync(join(ROOT, file), 'utf8') : null;
}
