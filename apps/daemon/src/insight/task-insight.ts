import { constants } from 'node:fs';
import { type FileHandle, open, readFile, rename } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { freeBeginning, openLog } from '@berth/task-shim';
import { EventFile } from './event-file.js';
import { type Observation, readLine, readReport } from './formats.js';
import { Lines } from './lines.js';
import type { FoundFile } from './open-event-files.js';
import { Training, type TrainingState } from './training.js';

const BLOCK_BYTES = 128 * 1024;
/** What is read of a task at one time: a large log is caught up with in several. */
const MOST_AT_ONCE = 64 * 1024 * 1024;
const MOST_EVENT_FILES = 32;

type Stream = 'stdout' | 'stderr' | 'report';

/** What is kept of a task whose reports were let go of. */
interface Kept {
  /** From where on each stream is to be read. */
  offsets: Record<Stream, number>;
  training: TrainingState;
  eventFiles: KeptFile[];
}

/** An event file, and from where on it is to be read. */
interface KeptFile extends FoundFile {
  offset: number;
  /** Put before the names of its series. */
  prefix: string;
}

/** What a task has reported, as JSON lines. @param directory the task's folder */
export const reportsIn = (directory: string): string => join(directory, 'metrics.jsonl');

/** Reads what a task says of its training, and from then on only what is new. */
export class TaskInsight {
  training = new Training();
  private readonly directory: string;
  private offsets: Record<Stream, number> = { stdout: 0, stderr: 0, report: 0 };
  private readonly lines = { stdout: new Lines(), stderr: new Lines(), report: new Lines() };
  private eventFiles: (KeptFile & { reader: EventFile })[] = [];
  private isRestored = false;
  /** Whether all that was read is in the file, and nothing more comes. */
  private isKept = false;
  private working: Promise<void> = Promise.resolve();
  private turns = 0;
  private reading: Promise<void> | null = null;

  constructor(directory: string) {
    this.directory = directory;
  }

  /**
   * Catches up with the task's output. Several who ask at once wait for the same.
   * @param isOver whether nothing more comes
   */
  catchUp(isOver: boolean): Promise<void> {
    this.reading ??= this.inTurn(() => this.readAll(isOver)).finally(() => {
      this.reading = null;
    });
    return this.reading;
  }

  /** Takes notice of event files that the task's processes have open: they are read from now on, also when nobody has them open. */
  async note(found: readonly FoundFile[]): Promise<void> {
    const isNew = (file: FoundFile): boolean => !this.eventFiles.some((known) => isSame(known, file));
    if (this.isRestored && !found.some(isNew)) return;
    await this.inTurn(async () => {
      await this.restore();
      const files = found.filter(isNew).slice(0, MOST_EVENT_FILES - this.eventFiles.length);
      for (const file of files) {
        const [first] = this.eventFiles;
        const folder = dirname(file.path);
        // Several folders are several runs, which call the same things the same.
        const prefix = !first || dirname(first.path) === folder ? '' : `${basename(folder)}/`;
        this.eventFiles.push({ ...file, offset: 0, prefix, reader: new EventFile() });
      }
      if (files.length > 0) await this.keep();
    });
  }

  /**
   * Takes in all reports so far, and gives the disk back what they took; what was read of them is kept in a file. Where the file
   * system can't do that, they stay.
   */
  compact(): Promise<void> {
    return this.inTurn(async () => {
      const file = await open(reportsIn(this.directory), 'r+').catch(() => null);
      if (!file) return;
      try {
        for (let before = -1; before !== this.offsets.report; ) {
          before = this.offsets.report;
          await this.readAll(false);
        }
        await this.keep();
        freeBeginning(file.fd, this.offsets.report - this.lines.report.openBytes);
      } finally {
        await file.close();
      }
    });
  }

  /** One after another: a reading, or a compaction. */
  private inTurn(work: () => Promise<void>): Promise<void> {
    this.turns += 1;
    const done = this.working.then(work).finally(() => {
      this.turns -= 1;
    });
    this.working = done.catch(() => undefined);
    return done;
  }

  get isBusy(): boolean {
    return this.turns > 0;
  }

  private async readAll(isOver: boolean): Promise<void> {
    await this.restore();
    await this.readReports();
    for (const file of this.eventFiles) await this.readEvents(file);
    for (const stream of ['stdout', 'stderr'] as const) {
      const log = openLog(this.directory);
      for (let read = 0; read < MOST_AT_ONCE; ) {
        const { chunks, next } = await log.read(this.offsets[stream], BLOCK_BYTES, stream);
        for (const { data, at } of chunks) this.take(this.lines[stream].add(data), readLine, at);
        if (next === this.offsets[stream]) break;
        read += next - this.offsets[stream];
        this.offsets[stream] = next;
      }
      if (isOver) this.take(this.lines[stream].end(), readLine, null);
    }
    // Its event files are its own: they may go when it is over.
    if (isOver && this.eventFiles.length > 0 && !this.isKept) await this.keep();
    this.isKept = isOver;
  }

  private async readReports(): Promise<void> {
    const file = await open(reportsIn(this.directory)).catch(() => null);
    if (!file) return;
    try {
      // Of those that don't say when they were written, the last ones at least came then.
      const { mtimeMs } = await file.stat();
      for (let read = 0; read < MOST_AT_ONCE; ) {
        const block = Buffer.alloc(BLOCK_BYTES);
        const { bytesRead } = await file.read(block, 0, block.length, this.offsets.report);
        if (bytesRead === 0) break;
        this.take(this.lines.report.add(block.subarray(0, bytesRead)), readReport, mtimeMs);
        this.offsets.report += bytesRead;
        read += bytesRead;
      }
    } finally {
      await file.close();
    }
  }

  private async readEvents(known: KeptFile & { reader: EventFile }): Promise<void> {
    const { path, reader, prefix } = known;
    if (reader.isBroken) return;
    // What its path leads to now may be another file, and not the job's to show.
    const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
    const file = await open(path, flags).catch(() => null);
    if (!file) return;
    try {
      const { dev, ino } = await file.stat();
      if (!isSame(known, { path, device: dev, inode: ino })) return;
      for (let read = 0; read < MOST_AT_ONCE; ) {
        const block = Buffer.alloc(BLOCK_BYTES);
        const { bytesRead } = await file.read(block, 0, block.length, known.offset);
        if (bytesRead === 0) break;
        for (const seen of reader.add(block.subarray(0, bytesRead))) {
          const metrics = Object.entries(seen.metrics).map(
            ([name, value]) => [prefix + name, value] as const,
          );
          this.training.take({ ...seen, metrics: Object.fromEntries(metrics) }, seen.at ?? null);
        }
        known.offset += bytesRead;
        read += bytesRead;
      }
    } finally {
      await file.close();
    }
  }

  /** @param at when they came, in ms since the epoch; null: not known */
  private take(lines: Iterable<string>, read: (line: string) => Observation | null, at: number | null): void {
    for (const line of lines) {
      const seen = read(line);
      if (seen) this.training.take(seen, seen.at ?? at);
    }
  }

  /** Writes what was read so far to a file: on the disk, before what it was read from may go. */
  private async keep(): Promise<void> {
    const offsets = { ...this.offsets };
    // Unfinished lines are read again.
    for (const stream of Object.keys(offsets) as Stream[]) offsets[stream] -= this.lines[stream].openBytes;
    const eventFiles = this.eventFiles.map(({ reader, offset, ...file }) => ({
      ...file,
      offset: offset - reader.openBytes,
    }));
    const kept: Kept = { offsets, training: this.training.state(), eventFiles };
    const path = this.keptFile;
    const file: FileHandle = await open(`${path}.new`, 'w', 0o600);
    try {
      await file.writeFile(JSON.stringify(kept));
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(`${path}.new`, path);
  }

  private async restore(): Promise<void> {
    if (this.isRestored) return;
    this.isRestored = true;
    const text = await readFile(this.keptFile, 'utf8').catch(() => null);
    if (text === null) return;
    const { offsets, training, eventFiles } = JSON.parse(text) as Kept;
    this.offsets = offsets;
    this.training = new Training(training);
    this.eventFiles = eventFiles.map((file) => ({ ...file, reader: new EventFile() }));
  }

  private get keptFile(): string {
    return join(this.directory, 'insight.json');
  }
}

const isSame = (one: FoundFile, other: FoundFile): boolean =>
  one.device === other.device && one.inode === other.inode;
