import { readdirSync, readFileSync } from 'node:fs';
import { readProcess } from './host-process.js';
import type { RunningTask } from './process-owners.js';

/** The processes of a task: what its shim has started, and what these have. */
export function processesOf({ shimPid, shimStartTicks }: RunningTask): number[] {
  if (readProcess(shimPid)?.startTicks !== shimStartTicks) return [];
  const found: number[] = [];
  for (const open = [shimPid]; open.length > 0; ) {
    const children = childrenOf(open.pop() as number).filter((pid) => !found.includes(pid));
    found.push(...children);
    open.push(...children);
  }
  return found;
}

/** Each thread has its own children (proc(5), /proc/pid/task/tid/children). */
function childrenOf(pid: number): number[] {
  try {
    return readdirSync(`/proc/${pid}/task`).flatMap((thread) =>
      readFileSync(`/proc/${pid}/task/${thread}/children`, 'utf8').split(' ').filter(Boolean).map(Number),
    );
  } catch {
    return [];
  }
}
