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

/** What has been done. */
export interface Injection {
  /** Whether it hit anything; asked when the load is over. */
  wasReached(): boolean;
  /** How it ends; absent where it passes by itself. */
  takeBack?: () => Promise<void>;
}

/** Something that goes wrong, for a while or for good. */
export interface Fault {
  name: string;
  inject(scene: Scene): Promise<Injection>;
}

export const REACHED: Injection = { wasReached: () => true };
/** There was nobody, or not the means, to do it to. */
export const NOT_REACHED: Injection = { wasReached: () => false };

/** @returns whether there was somebody to be signalled */
export function signalled(pid: number | null | undefined, signal: NodeJS.Signals): boolean {
  try {
    return pid != null && process.kill(pid, signal);
  } catch {
    return false; // It was faster.
  }
}
