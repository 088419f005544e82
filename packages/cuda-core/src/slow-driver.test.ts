import { execFileSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { changeSimulation, createSimulation } from './index.js';
import { openSimulated } from './simulated-driver.test-support.js';

const { root, stateFile, simulation, driver } = await openSimulated('2xT4');

describe('a driver that is slow', () => {
  const slowly = async (milliseconds: number, work: () => Promise<void>): Promise<void> => {
    changeSimulation(stateFile, { delayMilliseconds: milliseconds });
    try {
      await work();
    } finally {
      changeSimulation(stateFile, { delayMilliseconds: 0 });
    }
  };

  it('does not block the event loop', async () => {
    await slowly(800, async () => {
      let longest = 0;
      let last = performance.now();
      const timer = setInterval(() => {
        longest = Math.max(longest, performance.now() - last);
        last = performance.now();
      }, 5);
      const began = performance.now();
      await driver.enumerate();
      clearInterval(timer);
      expect(performance.now() - began).toBeGreaterThan(700);
      expect(longest).toBeLessThan(600);
    });
  });

  it('does not hold up files, which libuv reads in its pool', async () => {
    await slowly(600, async () => {
      const slow = Promise.all(Array.from({ length: 8 }, () => driver.enumerate()));
      let answered = false;
      void slow.then(() => {
        answered = true;
      });
      for (let i = 0; i < 20; i += 1) await readFile(stateFile);
      expect(answered).toBe(false);
      changeSimulation(stateFile, { delayMilliseconds: 0 });
      await slow;
    });
  });

  it('does not answer in another order than it was asked', async () => {
    const order: number[] = [];
    await slowly(20, async () => {
      await Promise.all([0, 1, 2, 3].map((i) => driver.enumerate().then(() => order.push(i))));
    });
    expect(order).toEqual([0, 1, 2, 3]);
  });
});

describe('a driver that hangs', { timeout: 30_000 }, () => {
  const native = new URL('../dist/native.js', import.meta.url).href;
  const index = new URL('../dist/index.js', import.meta.url).href;
  /** Runs in a process of its own, whose driver takes a minute for each answer. @returns how long that process lived */
  const runHanging = (program: string, environment: Record<string, string> = {}): number => {
    const file = join(root, 'hanging');
    createSimulation('1xT4', file);
    changeSimulation(file, { delayMilliseconds: 0 });
    const env = {
      ...process.env,
      BERTH_SIMULATED_STATE: file,
      DIRECTORY: simulation.libraryDirectory,
      FILE: file,
      ...environment,
    };
    const began = performance.now();
    execFileSync(process.execPath, ['--input-type=module', '--eval', program], { env, timeout: 20_000 });
    return performance.now() - began;
  };
  const open = `import { changeSimulation, openDriver } from ${JSON.stringify(index)};
    const driver = await openDriver({ libraryDirectory: process.env.DIRECTORY });
    changeSimulation(process.env.FILE, { delayMilliseconds: 60_000 });`;

  it('lets the process end by process.exit', () => {
    const program = `${open} driver.enumerate(); setTimeout(() => process.exit(0), 100);`;
    expect(runHanging(program)).toBeLessThan(15_000);
  });

  it('lets the process end by itself: a call under way holds nothing', () => {
    const program = `import { native } from ${JSON.stringify(native)};
      import { changeSimulation } from ${JSON.stringify(index)};
      const driver = new (native().Driver)(process.env.DIRECTORY);
      const hold = setTimeout(() => {}, 10_000);
      await driver.open();
      clearTimeout(hold);
      changeSimulation(process.env.FILE, { delayMilliseconds: 60_000 });
      driver.count();`;
    expect(runHanging(program)).toBeLessThan(15_000);
  });

  it('is left behind when it is closed', () => {
    const program = `${open} driver.enumerate().catch(() => {}); await driver.close(); process.exit(0);`;
    const lived = runHanging(program);
    expect(lived).toBeGreaterThan(1_900);
    expect(lived).toBeLessThan(15_000);
  });

  it('may come back when the thread that asked it is gone', () => {
    // The worker ends while its driver is in a call; the process lives on until the call has come back.
    const worker = `import { workerData } from 'node:worker_threads';
      const { native } = await import(${JSON.stringify(native)});
      const driver = new (native().Driver)(workerData);
      const hold = setTimeout(() => {}, 10_000);
      await driver.open();
      clearTimeout(hold);
      driver.count();
      setTimeout(() => process.exit(42), 50);`;
    const program = `import { Worker } from 'node:worker_threads';
      import { changeSimulation } from ${JSON.stringify(index)};
      changeSimulation(process.env.FILE, { delayMilliseconds: 300 });
      const url = new URL('data:text/javascript,' + encodeURIComponent(process.env.WORKER));
      for (let i = 0; i < 5; i += 1) {
        const worker = new Worker(url, { workerData: process.env.DIRECTORY });
        const code = await new Promise((resolve, reject) => worker.on('exit', resolve).on('error', reject));
        if (code !== 42) throw new Error('the worker did not get to its call: ' + code);
      }
      await new Promise((resolve) => setTimeout(resolve, 700));`;
    // glibc fills what is freed with this byte: whoever uses it after that doesn't get far.
    expect(() => runHanging(program, { WORKER: worker, MALLOC_PERTURB_: '165' })).not.toThrow();
  });
});
