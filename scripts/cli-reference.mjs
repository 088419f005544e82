import { referencePage } from '../apps/cli/dist/reference.js';
import { commandTree } from '../apps/cli/dist/run.js';
import { makeFile } from './made-file.mjs';

makeFile(new URL('../docs/cli.md', import.meta.url), referencePage(commandTree()), {
  source: 'the commands',
  command: 'cli-reference',
});
