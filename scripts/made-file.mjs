import { readFileSync, writeFileSync } from 'node:fs';
import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

/**
 * Writes a file that is made of code; with --check on the command line it only compares, and the process ends with 1 where they differ.
 * @param source what it is made of, in words
 * @param command what makes it
 */
export function makeFile(url, made, { source, command }) {
  if (!process.argv.includes('--check')) return writeFileSync(url, made);
  if (textOf(url) === made) return;
  console.error(`${relative(ROOT, fileURLToPath(url))} is not what ${source} say; run: npm run ${command}`);
  process.exitCode = 1;
}

/** The text of a file; '' where it is missing. */
export function textOf(url) {
  try {
    return readFileSync(url, 'utf8');
  } catch {
    return '';
  }
}
