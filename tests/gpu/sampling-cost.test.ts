import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { openDriver } from '@berth/cuda-core';
import { describe, expect, it } from 'vitest';
import { TestDaemon } from '../support/daemon.js';
import { report, tableOf } from './report.js';

const SECONDS = 20;
const ROUNDS = 100;
/** Of one core, for all devices once a second. The simulated driver takes a hundredth of this. */
const MOST_SHARE = 0.05;
/** For one device; the patience of the daemon is 3 s. */
const MOST_MEDIAN_MS = 100;

describe('sampling', () => {
  it('costs the daemon little', async () => {
    const daemon = await TestDaemon.start(null);
    try {
      const devices = (await daemon.devices()).length;
      const pid = daemon.processes().find((each) => driverThreads(each).length > 0);
      const before = processorSeconds(pid as number);
      await new Promise((resolve) => setTimeout(resolve, SECONDS * 1000));
      const after = processorSeconds(pid as number);
      if (before === null || after === null) {
        return report(
          'Cost of sampling',
          'Not measured: this kernel has no /proc/<pid>/task/<tid>/schedstat.',
        );
      }
      const share = (after - before) / SECONDS;
      report(
        'Cost of sampling',
        `The daemon's thread \`berth-driver\`, which samples ${devices} device(s) once a second: ` +
          `${(share * 100).toFixed(3)} % of one core over ${SECONDS} s.`,
      );
      expect(share).toBeLessThan(MOST_SHARE);
    } finally {
      await daemon.destroy();
    }
  });

  it('answers soon', async () => {
    const driver = await openDriver();
    try {
      const enumerations = await times(10, () => driver.enumerate());
      const { devices } = await driver.enumerate();
      const rows: [string, number[]][] = [['all: enumeration', enumerations]];
      for (const { uuid, name } of devices) {
        rows.push([`${name} ${uuid}: a sample`, await times(ROUNDS, () => driver.sample(uuid))]);
      }
      report(
        'Time that the driver takes',
        tableOf(
          ['what', 'times', 'median ms', 'longest ms'],
          rows.map(([what, took]) => [
            what,
            took.length,
            median(took).toFixed(2),
            Math.max(...took).toFixed(2),
          ]),
        ),
      );
      for (const [, took] of rows.slice(1)) expect(median(took)).toBeLessThan(MOST_MEDIAN_MS);
    } finally {
      await driver.close();
    }
  });
});

async function times(count: number, what: () => Promise<unknown>): Promise<number[]> {
  const took: number[] = [];
  for (let i = 0; i < count; i += 1) {
    const began = performance.now();
    await what();
    took.push(performance.now() - began);
  }
  return took;
}

const median = (numbers: number[]): number =>
  numbers.toSorted((one, other) => one - other)[Math.floor(numbers.length / 2)] as number;

/** Of the threads that talk to the driver, by the scheduler's own count: the clock ticks of proc(5) are too coarse. */
function processorSeconds(pid: number): number | null {
  const own = driverThreads(pid);
  if (!own.every((task) => existsSync(`${task}/schedstat`))) return null;
  const nanoseconds = own.map((task) => Number(readFileSync(`${task}/schedstat`, 'utf8').split(' ')[0]));
  return nanoseconds.reduce((sum, each) => sum + each, 0) / 1e9;
}

/** The folders in /proc of a process' threads that talk to the driver: none where it has just ended, as a fork may. */
function driverThreads(pid: number): string[] {
  try {
    const tasks = readdirSync(`/proc/${pid}/task`).map((task) => `/proc/${pid}/task/${task}`);
    return tasks.filter((task) => readFileSync(`${task}/comm`, 'utf8').trim() === 'berth-driver');
  } catch {
    return [];
  }
}
