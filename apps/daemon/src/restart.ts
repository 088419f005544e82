import type { Restart } from '@berth/contract';
import type { Ending } from '@berth/task-shim';

/**
 * That a process of Berth has died just now, and is started again.
 * @param process as the sentence begins, such as `its worker`, where the device is named beside it
 * @param log where its last words are
 * @param wasStill whether it was us who killed it, for it showed no sign of life
 */
export function restartOf(
  process: string,
  { exitCode, signal }: Ending,
  log: string,
  wasStill = false,
): Restart {
  const how = wasStill
    ? `was frozen, or hung, and was killed by Berth (its last words are in ${log})`
    : howItEnded(exitCode, signal, log);
  const sentence = `${process} ${how}; another is started, and running jobs go on`;
  return { at: new Date().toISOString(), exitCode, signal, sentence };
}

/** That this daemon has begun, and the one before it hadn't ended by itself. @param tasks how many run */
export function restartOfDaemon(tasks: number): Restart {
  const running = `${tasks} running task${tasks === 1 ? '' : 's'}`;
  const sentence = `the berthd before this one was killed, or the host went down; this one has taken up ${running}`;
  return { at: new Date().toISOString(), exitCode: null, signal: null, sentence };
}

function howItEnded(exitCode: number | null, signal: string | null, log: string): string {
  if (signal === 'SIGKILL')
    return 'was killed by SIGKILL (from a person, or from the kernel for want of memory: dmesg tells)';
  if (signal !== null) return `was ended by ${signal} (its last words are in ${log})`;
  if (exitCode !== null) return `ended by itself with exit code ${exitCode} (its last words are in ${log})`;
  return `has died, how is not known (an earlier berthd may have started it; its last words are in ${log})`;
}
