import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { startDaemon } from './daemon.mjs';

const SETTLING_MS = 5000;
const SECONDS = 20;

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

function cpuSeconds(processes) {
  const ticksPerSecond = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));
  const ticks = (pid) => {
    // proc(5): utime and stime are fields 14 and 15, counted from 1; the name in field 2 may hold anything.
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ');
    return Number(fields[11]) + Number(fields[12]);
  };
  return processes.reduce((sum, pid) => sum + ticks(pid), 0) / ticksPerSecond;
}
