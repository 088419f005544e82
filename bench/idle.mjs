import { readdirSync, readFileSync } from 'node:fs';
import { startDaemon } from './daemon.mjs';

/** Starting up, and the garbage collections that follow it, are over by then. */
const SETTLING_MS = 60_000;
const SECONDS = 30;

/** Processor time of a daemon that has nothing to do: itself, its workers and its Redis. */
export async function idle() {
  const daemon = await startDaemon('8xH100-80GB', 1);
  try {
    await new Promise((resolve) => setTimeout(resolve, SETTLING_MS));
    const processes = daemon.processes();
    const before = cpuSeconds(processes);
    await new Promise((resolve) => setTimeout(resolve, SECONDS * 1000));
    const used = cpuSeconds(processes) - before;
    return {
      scenario: 'idle',
      devices: 8,
      processes: processes.length,
      seconds: SECONDS,
      shareOfOneCore: used / SECONDS,
    };
  } finally {
    await daemon.stop();
  }
}

/** By the scheduler's own count in nanoseconds; the clock ticks of proc(5) are too coarse for so little. */
function cpuSeconds(processes) {
  const ofThread = (pid, thread) =>
    Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ')[0]);
  const ofProcess = (pid) =>
    readdirSync(`/proc/${pid}/task`).reduce((sum, thread) => sum + ofThread(pid, thread), 0);
  return processes.reduce((sum, pid) => sum + ofProcess(pid), 0) / 1e9;
}
