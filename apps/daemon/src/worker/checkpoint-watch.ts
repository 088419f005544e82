import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Change, newestChange } from '../checkpoint-files.js';

/** Where a task's records are, and where its checkpoints. */
interface Places {
  readonly directory: string;
  readonly places: readonly string[];
}

interface Beginning {
  since: number;
  before: Change | null;
}

/**
 * Sees whether a checkpoint is written after a signal: what was there before it is kept beside the task's records, so
 * that the next worker can tell too, and by the file system's own clock alone.
 */
export class CheckpointWatch {
  private readonly places: readonly string[];
  /** When it began, by this host's clock: ms since the epoch. */
  readonly since: number;
  private readonly before: Change | null;

  private constructor(places: readonly string[], { since, before }: Beginning) {
    this.places = places;
    this.since = since;
    this.before = before;
  }

  /**
   * Looks at what is there before a signal; or, where that was done already, takes it up again.
   * @param name of the signal's purpose, one of a kind in the folder
   */
  static async begin({ directory, places }: Places, name: string): Promise<CheckpointWatch> {
    const known = CheckpointWatch.resume({ directory, places }, name);
    if (known) return known;
    const beginning = { since: Date.now(), before: await newestChange(places) };
    try {
      writeFileSync(fileOf(directory, name), JSON.stringify(beginning), { mode: 0o600, flag: 'wx' });
    } catch (error) {
      // Where somebody was faster, he may have sent the signal already. A full disk must not keep it from being sent.
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') return new CheckpointWatch(places, beginning);
      return CheckpointWatch.resume({ directory, places }, name) ?? new CheckpointWatch(places, beginning);
    }
    return new CheckpointWatch(places, beginning);
  }

  /** null: it was never begun. */
  static resume({ directory, places }: Places, name: string): CheckpointWatch | null {
    try {
      const json = readFileSync(fileOf(directory, name), 'utf8');
      return new CheckpointWatch(places, JSON.parse(json) as Beginning);
    } catch {
      return null;
    }
  }

  /** The newest change since it began; null: none was seen. */
  async written(): Promise<Change | null> {
    const newest = await newestChange(this.places);
    return newest && newest.at > (this.before?.at ?? 0) ? newest : null;
  }
}

const fileOf = (directory: string, name: string): string => join(directory, `before-${name}.json`);
