import { JobSubmissionSchema } from '@berth/contract';
import { defineConfig, type Plugin } from 'vite';
import { z } from 'zod';
import { fieldsOf, type Schema } from './src/screens/submission-fields.js';

const FIELDS = 'virtual:submission-fields';

/** Gives the form its fields: made of the schema here, for the schema itself, with zod, is too much for a page. */
const submissionFields: Plugin = {
  name: 'submission-fields',
  resolveId: (id) => (id === FIELDS ? `\0${FIELDS}` : null),
  load: (id) => {
    if (id !== `\0${FIELDS}`) return null;
    const schema = z.toJSONSchema(JobSubmissionSchema, { io: 'input', unrepresentable: 'any' });
    return `export const FIELDS = ${JSON.stringify(fieldsOf(schema as Schema))};`;
  },
};

/** Static files that the daemon serves at `/`; nothing in them comes from elsewhere. */
export default defineConfig({
  plugins: [submissionFields],
  esbuild: { jsx: 'automatic', jsxImportSource: 'preact' },
  build: { outDir: 'dist', target: 'es2022', assetsInlineLimit: 0, reportCompressedSize: true },
});
