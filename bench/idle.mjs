import { cpuSeconds, startDaemon } from './daemon.mjs';

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
