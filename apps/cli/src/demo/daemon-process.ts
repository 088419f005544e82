import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { BerthClient, BerthTimeout, BerthUnreachable } from '@berth/client';
import { CliError, EXIT } from '../exit-codes.js';
import type { Host } from '../host.js';

const START_SECONDS = 60;
const STOP_SECONDS = 30;
// Beside us both in the repository and where npm installs the two.
const BERTHD = fileURLToPath(new URL('../../../daemon/bin/berthd.js', import.meta.url));

export interface DaemonProcess {
  url: string;
  pid: number;
  /** Whether this run of berth started it, and thus has to stop it. */
  isOurs: boolean;
}

/** The daemon that already runs on a data directory, or a new one, once it can take jobs. @throws CliError */
export async function ensureDaemon(
  directory: string,
  flags: readonly string[],
  host: Host,
  signal: AbortSignal,
): Promise<DaemonProcess> {
  const running = await readyDaemon(directory);
  if (running) return { ...running, isOurs: false };

  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const logFile = join(directory, 'berthd.log');
  const log = openSync(logFile, 'a', 0o600);
  const [program, ...rest] = daemonCommand();
  // In a session of its own: Ctrl-C here is for us to handle, not for the daemon.
  const child = spawn(program as string, [...rest, '--data-dir', directory, ...flags], {
    detached: true,
    stdio: ['ignore', log, log],
    env: host.environment,
    cwd: host.directory,
  });
  let failure: string | null = null;
  child.once('error', (error) => {
    failure = `berthd can't be started: ${error.message}`;
  });
  child.once('exit', (code, signal) => {
    failure = `berthd ended at once (${signal ?? code}): ${lastLine(logFile)}`;
  });
  child.unref();

  try {
    for (const deadline = Date.now() + START_SECONDS * 1000; Date.now() < deadline; ) {
      if (failure) throw new CliError(EXIT.away, `${failure}; all of it is in ${logFile}`);
      const started = await readyDaemon(directory);
      if (started) return { ...started, isOurs: true };
      await sleep(50, undefined, { signal });
    }
    throw new CliError(EXIT.away, `berthd wasn't ready after ${START_SECONDS} s; see ${logFile}`);
  } catch (error) {
    child.kill('SIGTERM');
    throw error;
  }
}

/** Asks a daemon to stop, and waits until it has; whether it did in time. Its jobs, if any, go on. */
export async function stopDaemon({ pid }: DaemonProcess): Promise<boolean> {
  try {
    process.kill(pid, 'SIGTERM');
    for (const deadline = Date.now() + STOP_SECONDS * 1000; Date.now() < deadline; await sleep(20)) {
      process.kill(pid, 0);
    }
  } catch (error) {
    // Gone, which is what was wanted.
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return true;
    throw error;
  }
  return false;
}

/** How berthd is started from here. */
export function daemonCommand(): string[] {
  return existsSync(BERTHD) ? [process.execPath, BERTHD] : ['berthd'];
}

/** null: none runs there, or it can't take jobs yet. */
async function readyDaemon(directory: string): Promise<{ url: string; pid: number } | null> {
  let address: { url: string; pid: number };
  try {
    address = JSON.parse(readFileSync(join(directory, 'address.json'), 'utf8'));
  } catch {
    return null;
  }
  try {
    const { status } = await new BerthClient({ url: address.url, retrySeconds: 0 }).health();
    return status === 'ok' ? address : null;
  } catch (error) {
    if (error instanceof BerthUnreachable || error instanceof BerthTimeout) return null;
    throw error;
  }
}

function lastLine(file: string): string {
  return readFileSync(file, 'utf8').trimEnd().split('\n').at(-1) ?? '';
}
