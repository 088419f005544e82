import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: ['{packages,apps}/*/src/**/*.test.ts', 'scripts/**/*.test.mjs'],
          pool: 'forks',
        },
      },
      {
        test: {
          name: 'ledger',
          include: ['tests/ledger/**/*.test.ts'],
          testTimeout: 30_000,
        },
      },
      {
        test: {
          name: 'end-to-end',
          include: ['tests/end-to-end/**/*.test.ts'],
          testTimeout: 60_000,
          hookTimeout: 60_000,
          // Each of these files runs a daemon with its workers: one at a time on a small machine.
          fileParallelism: false,
        },
      },
    ],
  },
});
