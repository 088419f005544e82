import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { digestOf, ROOT, readStamp, run } from './step.mjs';

const STAMP = 'build/.berth-setup';
const SOURCES = [
  'CMakeLists.txt',
  'packages/cuda-core/CMakeLists.txt',
  'packages/cuda-core/native',
  'packages/cuda-core/simulated',
  'packages/task-shim/CMakeLists.txt',
  'packages/task-shim/addon',
  'packages/task-shim/shim',
  'bench/CMakeLists.txt',
  'bench/first_instruction.cpp',
];
const PRODUCTS = [
  'packages/cuda-core/build/cuda_core.node',
  'packages/cuda-core/build/simulated/libnvidia-ml.so.1',
  'packages/cuda-core/build/simulated/libcuda.so.1',
  'packages/task-shim/build/process_locks.node',
  'packages/task-shim/build/berth-shim',
];

/** @returns {import('./step.mjs').Step} */
export function nativeBuild() {
  return {
    does: 'build the native parts',
    needed: () => {
      if (PRODUCTS.some((product) => !existsSync(join(ROOT, product)))) return 'they were never built';
      return readStamp(STAMP) === digestOf(SOURCES) ? null : 'their sources have changed';
    },
    run: () => {
      // A folder that was configured in another place, or by another CMake, can't be built in.
      if (readStamp(STAMP) === null) rmSync(join(ROOT, 'build'), { recursive: true, force: true });
      run(
        'node',
        [
          'node_modules/cmake-js/bin/cmake-js',
          'compile',
          '--directory',
          '.',
          '--out',
          'build',
          '--parallel',
          '2',
        ],
        {
          hint: 'Is this a C++17 compiler, and CMake 3.18 or later?',
        },
      );
      writeFileSync(join(ROOT, STAMP), digestOf(SOURCES));
    },
  };
}
