import { defineConfig } from 'vitest/config';

/** For a host with an NVIDIA GPU, and never by itself: scripts/test-gpu.mjs sets the variable. */
const gpu = {
  test: {
    name: 'gpu',
    include: ['tests/gpu/**/*.test.ts'],
    testTimeout: 120_000,
    hookTimeout: 120_000,
    // One after another: what one takes of a device, the next would measure.
    fileParallelism: false,
  },
};

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
      ...(process.env.BERTH_GPU_FACTS ? [gpu] : []),
    ],
  },
});
