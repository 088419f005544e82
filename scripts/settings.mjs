import { configJsonSchema, settingsTable } from '../apps/daemon/dist/config-document.js';
import { makeFile, textOf } from './made-file.mjs';

const TABLE = new URL('../docs/settings.md', import.meta.url);
const SCHEMA = new URL('../docs/berth.schema.json', import.meta.url);
const BEGIN = '<!-- made by: npm run settings -->\n';
const FROM = { source: 'the settings', command: 'settings' };

makeFile(TABLE, `${textOf(TABLE).split(BEGIN)[0]}${BEGIN}${settingsTable()}\n`, FROM);
makeFile(SCHEMA, `${JSON.stringify(configJsonSchema(), null, 2)}\n`, FROM);
