import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

/** An account of this host. */
export interface Account {
  name: string;
  uid: number;
  gid: number;
  home: string;
  shell: string;
  /** All of its groups, the first one too. */
  groups: number[];
}

/** What the addon offers: plain values; its errors carry the errno's name as `code`. */
interface Native {
  isLocked(path: string): boolean;
  tryLock(path: string): number;
  waitForLock(path: string, done: (error: string | null, fd: number) => void): () => void;
  close(fd: number): void;
  peerCredentials(fd: number): { pid: number; uid: number; gid: number } | null;
  accountOf(who: number | string): Account | null;
  freeBeginning(fd: number, bytes: number): boolean;
  makePipe(): [read: number, write: number];
  signalHolder(path: string, pid: number, signal: number): boolean;
  orderHolder(path: string, pid: number, purpose: number, signal: number): boolean;
  spawnDetached(
    file: string,
    argv: string[],
    environment: string[],
    workingDirectory: string | null,
    descriptors: [from: number, to: number][],
    asChild: boolean,
  ): number;
  endingOf(pid: number): { exitCode: number | null; signal: string | null } | null;
}

/** The folder of what was built: another where tests run the build with sanitizers (scripts/test-sanitized.mjs). */
export const NATIVE_BUILD = process.env.BERTH_NATIVE_BUILD ?? 'build';

export const native = createRequire(import.meta.url)(`../${NATIVE_BUILD}/process_locks.node`) as Native;

/** The shim's executable. */
export const shimPath = fileURLToPath(new URL(`../${NATIVE_BUILD}/berth-shim`, import.meta.url));
