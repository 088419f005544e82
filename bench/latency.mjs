import { spawn } from 'node:child_process';
import { startDaemon, warmUp } from './daemon.mjs';
import { median, percentile } from './figures.mjs';

const PROGRAM = new URL('build/first_instruction', import.meta.url).pathname;
const JOBS = 200;
const DEVICES = 8;

/** From the submission over HTTP until the command's first instruction ran, on an idle daemon; beside a plain spawn. */
export async function latency() {
  const daemon = await startDaemon(`${DEVICES}xH100-80GB`, 1);
  const milliseconds = [];
  const floor = [];
  try {
    await warmUp(daemon, DEVICES);
    for (let i = -10; i < JOBS; i += 1) {
      const spawned = await spawnOnce();
      const before = process.hrtime.bigint();
      const job = await daemon.call('POST', '/v1/jobs', { command: [PROGRAM], workingDirectory: '/' });
      const printed = await daemon.call('GET', `/v1/jobs/${job.id}/logs?follow=true`);
      if (i < 0) continue; // The first ones warm everything up.
      floor.push(spawned);
      milliseconds.push(Number(BigInt(printed.trim()) - before) / 1e6);
    }
  } finally {
    await daemon.stop();
  }
  return {
    scenario: 'latency',
    jobs: JOBS,
    medianMs: median(milliseconds),
    p99Ms: percentile(milliseconds, 0.99),
    floorMedianMs: median(floor),
    floorP99Ms: percentile(floor, 0.99),
    ratio: median(milliseconds) / median(floor),
  };
}

function spawnOnce() {
  return new Promise((resolve) => {
    const before = process.hrtime.bigint();
    const child = spawn(PROGRAM, { stdio: ['ignore', 'pipe', 'ignore'] });
    let printed = '';
    child.stdout.on('data', (data) => {
      printed += data;
    });
    child.on('close', () => resolve(Number(BigInt(printed.trim()) - before) / 1e6));
  });
}
