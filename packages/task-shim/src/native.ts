import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

/** What the addon offers: plain values; its errors carry the errno's name as `code`. */
interface Native {
  isLocked(path: string): boolean;
  tryLock(path: string): number;
  waitForLock(path: string, done: (error: string | null, fd: number) => void): () => void;
  close(fd: number): void;
  makePipe(): [read: number, write: number];
  signalHolder(path: string, pid: number, signal: number): boolean;
  spawnDetached(
    file: string,
    argv: string[],
    environment: string[],
    workingDirectory: string | null,
    descriptors: [from: number, to: number][],
  ): number;
}

export const native = createRequire(import.meta.url)('../build/process_locks.node') as Native;

/** The shim's executable. */
export const shimPath = fileURLToPath(new URL('../build/berth-shim', import.meta.url));
