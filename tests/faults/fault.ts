import type { Host } from './host.js';
import type { Random } from './random.js';

/** What a fault may do to its surroundings. */
export interface Scene {
  host: Host;
  random: Random;
  /** Jobs that the fault has hit themselves: their end is not what they planned. */
  harmed: Set<string>;
  devicesFailed: boolean;
}

/** Something that goes wrong, for a while or for good. */
export interface Fault {
  name: string;
  /** @returns how it is taken back; nothing where it passes by itself */
  inject(scene: Scene): Promise<undefined | (() => Promise<void>)>;
}

/** @returns whether there was somebody to be signalled */
export function signalled(pid: number | null | undefined, signal: NodeJS.Signals): boolean {
  try {
    return pid != null && process.kill(pid, signal);
  } catch {
    return false; // It was faster.
  }
}
