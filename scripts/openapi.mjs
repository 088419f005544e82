import { readFileSync, writeFileSync } from 'node:fs';
import { buildDocument } from '../apps/daemon/dist/api/document.js';

const FILE = new URL('../openapi.yaml', import.meta.url);

/** Makes openapi.yaml from the routes' schemas; with --check only says whether it is what they say. */
const made = await buildDocument();
if (process.argv.includes('--check')) {
  let kept = '';
  try {
    kept = readFileSync(FILE, 'utf8');
  } catch {
    // It is missing, which the comparison says.
  }
  if (kept !== made) {
    console.error('openapi.yaml is not what the schemas say; run: npm run openapi');
    process.exit(1);
  }
} else {
  writeFileSync(FILE, made);
}
