import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { StringDecoder } from 'node:string_decoder';
import { openLog } from '@berth/task-shim';
import { type Observation, readLine, readReport } from './formats.js';
import { Training } from './training.js';

const BLOCK_BYTES = 1024 * 1024;
/** What is read of a task at one time: a large log is caught up with in several. */
const MOST_AT_ONCE = 64 * BLOCK_BYTES;
const LONGEST_LINE = 64 * 1024;

/** Splits bytes into lines; a carriage return ends one too, as progress bars use it. */
class Lines {
  private readonly decoder = new StringDecoder('utf8');
  private open = '';

  *add(bytes: Buffer): Generator<string> {
    const parts = (this.open + this.decoder.write(bytes)).split(/[\r\n]/);
    this.open = (parts.pop() as string).slice(0, LONGEST_LINE);
    for (const part of parts) if (part !== '') yield part;
  }

  /** The last line, that nothing ended: a progress bar's mostly. */
  *end(): Generator<string> {
    if (this.open !== '') yield this.open;
    this.open = '';
  }
}

/** Reads what a task says of its training, and from then on only what is new. */
export class TaskInsight {
  readonly training = new Training();
  private readonly directory: string;
  private readonly offsets = { stdout: 0, stderr: 0, report: 0 };
  private readonly lines = { stdout: new Lines(), stderr: new Lines(), report: new Lines() };
  private reading: Promise<void> | null = null;

  constructor(directory: string) {
    this.directory = directory;
  }

  /**
   * Catches up with the task's output. Several who ask at once wait for the same.
   * @param isOver whether nothing more comes
   */
  catchUp(isOver: boolean): Promise<void> {
    this.reading ??= this.readAll(isOver).finally(() => {
      this.reading = null;
    });
    return this.reading;
  }

  private async readAll(isOver: boolean): Promise<void> {
    await this.readReports();
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
  }

  private async readReports(): Promise<void> {
    const file = await open(join(this.directory, 'metrics.jsonl')).catch(() => null);
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

  /** @param at when they came, in ms since the epoch; null: not known */
  private take(lines: Iterable<string>, read: (line: string) => Observation | null, at: number | null): void {
    for (const line of lines) {
      const seen = read(line);
      if (seen) this.training.take(seen, seen.at ?? at);
    }
  }
}
