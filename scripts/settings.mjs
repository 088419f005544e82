import { readFileSync, writeFileSync } from 'node:fs';
import { configJsonSchema, settingsTable } from '../apps/daemon/dist/config-document.js';

const TABLE = new URL('../docs/settings.md', import.meta.url);
const SCHEMA = new URL('../docs/berth.schema.json', import.meta.url);
const BEGIN = '<!-- made by: npm run settings -->\n';

/** Makes the table of docs/settings.md, and docs/berth.schema.json, of the schema; with --check only compares. */
const kept = readQuietly(TABLE);
const made = new Map([
  [TABLE, `${kept.split(BEGIN)[0]}${BEGIN}${settingsTable()}\n`],
  [SCHEMA, `${JSON.stringify(configJsonSchema(), null, 2)}\n`],
]);
for (const [file, text] of made) {
  if (!process.argv.includes('--check')) writeFileSync(file, text);
  else if (readQuietly(file) !== text) {
    console.error(`${file.pathname} is not what the schema of the settings says; run: npm run settings`);
    process.exitCode = 1;
  }
}

function readQuietly(file) {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
