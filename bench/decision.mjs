import { apply, decide, emptyState } from '../packages/scheduler/dist/index.js';
import { median } from './figures.mjs';

const DEVICES = 64;
const SHAPES = 50;
const SIZES = [1e2, 1e3, 1e4, 1e5, 1e6];
const DECISIONS = 51;

/** One decision with many jobs pending, of some shapes, on a busy host; and what a pending job costs in memory. */
export async function decision() {
  const figures = { scenario: 'decision', devices: DEVICES, shapes: SHAPES };
  for (const size of SIZES) {
    globalThis.gc?.();
    const before = process.memoryUsage().heapUsed;
    const state = busyHost(size);
    globalThis.gc?.();
    const heap = process.memoryUsage().heapUsed - before;
    const times = [];
    for (let i = 0; i < DECISIONS; i += 1) {
      const began = performance.now();
      decide(state, 0);
      times.push(performance.now() - began);
    }
    figures[`medianMs @${size.toExponential(0)}`] = median(times);
    // Without --expose-gc the heap holds garbage too.
    if (globalThis.gc) figures[`bytesPerJob @${size.toExponential(0)}`] = heap / size;
  }
  return figures;
}

/** Half of the devices are held, and one job of each shape can't start. */
function busyHost(size) {
  const state = emptyState();
  const facts = {
    instance: null,
    memoryBytes: 80e9,
    model: 'H100',
    computeCapability: '9.0',
    distances: {},
    labels: {},
    obstacle: null,
  };
  const devices = Array.from({ length: DEVICES }, (_, index) => ({
    ...facts,
    uuid: `GPU-${index}`,
    index,
    node: `n${index >> 3}`,
  }));
  apply(state, { type: 'devices', devices });
  for (let i = 0; i < DEVICES; i += 1) {
    const allocation = {
      job: `r${i}`,
      number: i,
      attempt: 1,
      needs: needsOf(i),
      devices: [`GPU-${i}`],
      gpus: 1,
      since: 0,
      endsAt: 1000 * (i + 1),
      leaving: false,
    };
    apply(state, { type: 'placed', allocation });
  }
  for (let number = 1; number <= size; number += 1) {
    const job = {
      id: `job_${number}`,
      number: number + DEVICES,
      since: 0,
      attempt: 1,
      needs: needsOf(number),
    };
    apply(state, { type: 'pending', job });
  }
  return state;
}

/** Of five users and priorities, with and without a time limit. */
function needsOf(number) {
  const shape = number % SHAPES;
  return {
    user: `user${shape % 5}`,
    priority: shape % 5,
    gpus: 1 + (shape % 8),
    candidates: null,
    launch: 'single',
    constraints: null,
    share: null,
    longestSeconds: shape < 25 ? null : shape * 100,
    graceSeconds: 30,
    preemptible: false,
    limitedGroup: null,
  };
}
