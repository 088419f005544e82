/** Made of the schema of submissions when the page is built; see vite.config.ts. */
declare module 'virtual:submission-fields' {
  import type { Field } from './screens/submission-fields.js';

  export const FIELDS: readonly Field[];
}
