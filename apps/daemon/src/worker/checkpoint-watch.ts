import { readFileSync, writeFileSync } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** Folders below a checkpointPath are looked into so deep, and so many entries in all. */
const DEPTH = 4;
const ENTRIES = 10_000;
/** A network file system that hangs must not keep a signal from being sent. */
const PATIENCE_MS = 3000;

/** When something was last changed, and what. */
export interface Change {
  path: string;
  /** ms since the epoch, as the file system counts them. */
  at: number;
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
  static async begin(directory: string, name: string, places: readonly string[]): Promise<CheckpointWatch> {
    const known = CheckpointWatch.resume(directory, name, places);
    if (known) return known;
    const beginning = { since: Date.now(), before: await newestChange(places) };
    try {
      writeFileSync(fileOf(directory, name), JSON.stringify(beginning), { mode: 0o600, flag: 'wx' });
    } catch (error) {
      // Where somebody was faster, he may have sent the signal already. A full disk must not keep it from being sent.
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') return new CheckpointWatch(places, beginning);
      return CheckpointWatch.resume(directory, name, places) ?? new CheckpointWatch(places, beginning);
    }
    return new CheckpointWatch(places, beginning);
  }

  /** null: it was never begun. */
  static resume(directory: string, name: string, places: readonly string[]): CheckpointWatch | null {
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

async function newestChange(places: readonly string[]): Promise<Change | null> {
  let newest: Change | null = null;
  let entries = 0;
  const look = async (path: string, depth: number): Promise<void> => {
    entries += 1;
    if (entries > ENTRIES) return;
    const found = await stat(path).catch(() => null);
    if (found?.isDirectory()) {
      if (depth === 0) return;
      for (const name of await readdir(path).catch(() => [])) await look(join(path, name), depth - 1);
    } else if (found && found.mtimeMs > (newest?.at ?? 0)) newest = { path, at: found.mtimeMs };
  };
  const all = async (): Promise<void> => {
    for (const place of places) await look(place, DEPTH);
  };
  await Promise.race([all(), sleep(PATIENCE_MS, undefined, { ref: false })]);
  return newest;
}
