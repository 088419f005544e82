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
    // Most tests wait for processes more than they compute: two files at a time also keep a small machine busy, and not too busy.
    maxWorkers: 2,
    projects: [
      {
        test: {
          name: 'unit',
          include: ['{packages,apps}/*/src/**/*.test.ts', 'scripts/**/*.test.mjs'],
          expect: { poll: { timeout: 20_000 } },
          testTimeout: 30_000,
          hookTimeout: 30_000,
          pool: 'forks',
        },
      },
      {
        test: {
          name: 'ledger',
          include: ['tests/ledger/**/*.test.ts'],
          testTimeout: 30_000,
          hookTimeout: 30_000,
        },
      },
      {
        test: {
          name: 'end-to-end',
          include: ['tests/end-to-end/**/*.test.ts'],
          expect: { poll: { timeout: 20_000 } },
          // Against hanging: a host with several times as much to do as it has cores takes a minute for three restarts.
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
      {
        test: {
          name: 'faults',
          include: ['tests/faults/**/*.test.ts'],
          testTimeout: 300_000,
          hookTimeout: 60_000,
        },
      },
      ...(process.env.BERTH_GPU_FACTS ? [gpu] : []),
    ],
  },
});
