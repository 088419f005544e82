/** `npm run faults`: the fault harness is TypeScript, as other tests are; Vite reads that as it is. */
import { fileURLToPath } from 'node:url';
import { runnerImport } from 'vite';

const { module } = await runnerImport(fileURLToPath(new URL('rounds.ts', import.meta.url)));
process.exit(await module.main(process.argv.slice(2)));
