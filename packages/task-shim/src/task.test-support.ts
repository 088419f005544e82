import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, watch } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import {
  type ExitRecord,
  type Order,
  openLog,
  orderShim,
  readExitRecord,
  readStartRecord,
  type ShimOptions,
  type StartRecord,
  signalHolder,
  startShim,
  tryLock,
  waitForLock,
} from './index.js';

const root = mkdtempSync(join(tmpdir(), 'berth-shim-'));
afterAll(() => rmSync(root, { recursive: true }));

let count = 0;

/** A task in a folder of its own. */
export class Task {
  readonly directory: string;
  readonly lockFile: string;

  constructor() {
    count += 1;
    this.directory = join(root, String(count));
    this.lockFile = join(this.directory, 'lock');
    mkdirSync(this.directory);
  }

  start(command: string[], more: Partial<ShimOptions> = {}): ReturnType<typeof startShim> {
    const lock = tryLock(this.lockFile);
    if (!lock) throw new Error('the lock is held');
    return startShim({
      directory: this.directory,
      lock,
      graceSeconds: 10,
      logLimitBytes: 64 << 20,
      workingDirectory: this.directory,
      environment: { PATH: process.env.PATH as string },
      command,
      ...more,
    });
  }

  shell(script: string, more: Partial<ShimOptions> = {}): ReturnType<typeof startShim> {
    return this.start(['/bin/sh', '-c', script], more);
  }

  /** Resolves when the shim is gone; the lock is the event. */
  async ended(): Promise<ExitRecord | null> {
    (await waitForLock(this.lockFile)).release();
    return readExitRecord(this.directory);
  }

  async run(script: string, more: Partial<ShimOptions> = {}): Promise<ExitRecord | null> {
    await this.shell(script, more).ready;
    return this.ended();
  }

  signal(signal: NodeJS.Signals): boolean {
    return signalHolder(this.lockFile, readStartRecord(this.directory)?.shimPid as number, signal);
  }

  order(purpose: Order['purpose'], signal: NodeJS.Signals = 'SIGUSR1'): boolean {
    return orderShim(this.lockFile, readStartRecord(this.directory) as StartRecord, { purpose, signal });
  }

  /** The content of a file that the command writes, once it ends with a newline. */
  async written(name: string): Promise<string> {
    const file = join(this.directory, name);
    const content = (): string => (existsSync(file) ? readFileSync(file, 'utf8') : '');
    await new Promise<void>((resolve) => {
      const look = (): void => {
        if (!content().endsWith('\n')) return;
        watcher.close();
        resolve();
      };
      const watcher = watch(this.directory, look);
      look();
    });
    return content().trim();
  }

  async log(stream?: 'stdout' | 'stderr'): Promise<Buffer> {
    const log = openLog(this.directory);
    const pieces: Buffer[] = [];
    for (let from = 0; ; ) {
      const { chunks, next } = await log.read(from, 1 << 20, stream);
      pieces.push(...chunks.map(({ data }) => data));
      if (next === from) return Buffer.concat(pieces);
      from = next;
    }
  }
}

/** Of a script: it stops, and is `ready` once it has. */
export const STOPPED =
  '(until grep -q "^State:.T" /proc/$$/status; do sleep 0.01; done; echo ready > ready) & kill -STOP $$;';

/** What the kernel says of a process; nothing once it is gone, which may be while we look. */
export function statusOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/status`, 'utf8');
  } catch {
    return '';
  }
}

export function isAlive(pid: number): boolean {
  return /^State:\s+[^ZX]/m.test(statusOf(pid));
}
