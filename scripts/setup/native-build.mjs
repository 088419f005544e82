import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { digestOf, ROOT, readStamp, run } from './step.mjs';

const SOURCES = [
  'CMakeLists.txt',
  'packages/cuda-core/CMakeLists.txt',
  'packages/cuda-core/native',
  'packages/cuda-core/probe',
  'packages/cuda-core/simulated',
  'packages/task-shim/CMakeLists.txt',
  'packages/task-shim/addon',
  'packages/task-shim/shim',
  'bench/CMakeLists.txt',
  'bench/first_instruction.cpp',
];
const PRODUCTS = [
  'packages/cuda-core/build/cuda_core.node',
  'packages/cuda-core/build/cuda-probe',
  'packages/cuda-core/build/simulated/libnvidia-ml.so.1',
  'packages/cuda-core/build/simulated/libcuda.so.1',
  'packages/task-shim/build/process_locks.node',
  'packages/task-shim/build/berth-shim',
];

/** @returns {import('./step.mjs').Step} */
export function nativeBuild() {
  return buildIn('build', { does: 'build the native parts' });
}

/** The same with sanitizers, for tests. @returns {import('./step.mjs').Step & { folder: string }} */
export function sanitizedBuild() {
  return buildIn('build-sanitized', {
    does: 'build the native parts with sanitizers',
    options: ['--CDBERTH_SANITIZE=ON'],
    products: [...PRODUCTS, 'packages/cuda-core/build/native-check'],
    parallel: availableParallelism(),
  });
}

/** @param folder below the root for CMake, and below each package for what is built */
function buildIn(folder, { does, options = [], parallel = 2, products = PRODUCTS }) {
  const stamp = `${folder}/.berth-setup`;
  return {
    does,
    folder,
    needed: () => {
      if (!products.every((product) => existsSync(join(ROOT, product.replace('/build/', `/${folder}/`)))))
        return 'they were never built';
      return readStamp(stamp) === digestOf(SOURCES) ? null : 'their sources have changed';
    },
    run: () => {
      // A folder that was configured in another place, or by another CMake, can't be built in.
      if (readStamp(stamp) === null) rmSync(join(ROOT, folder), { recursive: true, force: true });
      const compile = ['node_modules/cmake-js/bin/cmake-js', 'compile', '--directory', '.', '--out', folder];
      run('node', [...compile, '--parallel', String(parallel), ...options], {
        hint: 'Is this a C++17 compiler, and CMake 3.18 or later?',
      });
      writeFileSync(join(ROOT, stamp), digestOf(SOURCES));
    },
  };
}
