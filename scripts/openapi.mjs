import { buildDocument } from '../apps/daemon/dist/api/document.js';
import { makeFile } from './made-file.mjs';

makeFile(new URL('../openapi.yaml', import.meta.url), await buildDocument(), {
  source: 'the schemas',
  command: 'openapi',
});
