import { defineConfig } from 'vite';

/** Static files that the daemon serves at `/`; nothing in them comes from elsewhere. */
export default defineConfig({
  esbuild: { jsx: 'automatic', jsxImportSource: 'preact' },
  build: { outDir: 'dist', target: 'es2022', assetsInlineLimit: 0, reportCompressedSize: true },
});
