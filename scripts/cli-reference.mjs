import { readFileSync, writeFileSync } from 'node:fs';
import { referencePage } from '../apps/cli/dist/reference.js';
import { commandTree } from '../apps/cli/dist/run.js';

const FILE = new URL('../docs/cli.md', import.meta.url);

/** Makes docs/cli.md from the commands; with --check only says whether it is what they say. */
const made = referencePage(commandTree());
if (process.argv.includes('--check')) {
  let kept = '';
  try {
    kept = readFileSync(FILE, 'utf8');
  } catch {
    // It is missing, which the comparison says.
  }
  if (kept !== made) {
    console.error('docs/cli.md is not what the commands say; run: npm run cli-reference');
    process.exit(1);
  }
} else {
  writeFileSync(FILE, made);
}
