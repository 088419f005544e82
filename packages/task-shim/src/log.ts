import { type FileHandle, open, readdir } from 'node:fs/promises';
import { join } from 'node:path';

const BLOCK_BYTES = 64 * 1024;
const NEWLINE = 10;

export interface LogChunk {
  /** Where it begins in the log. */
  offset: number;
  data: Buffer;
  /** When it came, in ms since the epoch, to within a second; null: told only where one stream is read. */
  at: number | null;
}

export interface LogRead {
  chunks: LogChunk[];
  /** Where to read on; equal to where this read began when there is nothing more yet. */
  next: number;
  /** What the log no longer holds, if this read came upon it. */
  skipped: { from: number; to: number } | null;
}

/** A task's log as its shim writes it (see the shim's `log_writer.h`); it may be read meanwhile. */
export interface TaskLog {
  /** The offset behind the last byte; 0 where nothing was written. */
  size(): Promise<number>;
  /** How many bytes from the very first on are still there in one piece. */
  firstBytes(): Promise<number>;
  /** What the log held and has dropped for its limit. */
  gaps(): Promise<{ from: number; to: number }[]>;
  /** Reads up to `maxBytes` from an offset, of both streams or of one. */
  read(from: number, maxBytes: number, stream?: 'stdout' | 'stderr'): Promise<LogRead>;
  /** Where the last lines begin; an unfinished line counts as one. */
  tailOffset(lines: number): Promise<number>;
}

interface Segment {
  start: number;
  end: number;
  file: string;
}

/** @param directory the task's folder; it need not exist yet */
export function openLog(directory: string): TaskLog {
  return {
    size: async () => (await segmentsIn(directory)).at(-1)?.end ?? 0,
    firstBytes: async () => {
      const segments = await segmentsIn(directory);
      return gapsBetween(segments)[0]?.from ?? segments.at(-1)?.end ?? 0;
    },
    gaps: async () => gapsBetween(await segmentsIn(directory)),
    read: (from, maxBytes, stream) => readLog(directory, from, maxBytes, stream),
    tailOffset: (lines) => tailOffset(directory, lines),
  };
}

async function segmentsIn(folder: string): Promise<Segment[]> {
  const names = await readdir(folder).catch(() => []);
  const starts = names.flatMap((name) => /^output\.(\d+)$/.exec(name)?.[1] ?? []).map(Number);
  const segments = await Promise.all(
    starts.map(async (start) => {
      const file = join(folder, `output.${start}`);
      const size = await withFile(file, async (handle) => (await handle.stat()).size);
      return size === null ? [] : [{ start, end: start + size, file }];
    }),
  );
  return segments.flat().sort((a, b) => a.start - b.start);
}

function gapsBetween(segments: Segment[]): { from: number; to: number }[] {
  return segments.flatMap(({ start }, i) => {
    const from = segments[i - 1]?.end ?? 0;
    return start > from ? [{ from, to: start }] : [];
  });
}

async function readLog(folder: string, from: number, maxBytes: number, stream?: string): Promise<LogRead> {
  const segment = (await segmentsIn(folder)).find(({ end }) => end > from);
  if (!segment) return { chunks: [], next: from, skipped: null };
  const begin = Math.max(from, segment.start);
  const skipped = begin > from ? { from, to: begin } : null;
  const data = await withFile(segment.file, (handle) => readAt(handle, begin - segment.start, maxBytes));
  // The shim dropped the segment between our two looks: the next read will say so.
  if (data === null) return readLog(folder, from, maxBytes, stream);
  const next = begin + data.length;
  const chunk = { offset: begin, data, at: null };
  const chunks = stream ? await ofStream(folder, segment, chunk, stream) : [chunk];
  if (chunks === null) return readLog(folder, from, maxBytes, stream);
  return { chunks, next, skipped };
}

/** null: the segment was dropped meanwhile. */
async function ofStream(
  folder: string,
  segment: Segment,
  chunk: LogChunk,
  stream: string,
): Promise<LogChunk[] | null> {
  const index = await withFile(join(folder, `index.${segment.start}`), (handle) => handle.readFile('utf8'));
  if (index === null) return null;
  const marks = index.split('\n').flatMap((line) => {
    const [offset, mark, at] = line.split(' ');
    return mark ? [{ offset: Number(offset), mark, at: Number(at) }] : [];
  });
  const wanted = stream === 'stdout' ? 'o' : 'e';
  const end = chunk.offset + chunk.data.length;
  return marks.flatMap(({ offset, mark, at }, i) => {
    const from = Math.max(offset, chunk.offset);
    const to = Math.min(marks[i + 1]?.offset ?? end, end);
    if (mark !== wanted || from >= to) return [];
    return [{ offset: from, data: chunk.data.subarray(from - chunk.offset, to - chunk.offset), at }];
  });
}

async function tailOffset(folder: string, lines: number): Promise<number> {
  const segments = await segmentsIn(folder);
  let position = segments.at(-1)?.end ?? 0;
  if (lines <= 0) return position;
  let left = lines;
  let last = true;
  for (const segment of segments.reverse()) {
    // The middle of the log is gone: what lies before isn't "the last lines" any more.
    if (segment.end < position) return position;
    while (position > segment.start) {
      const begin = Math.max(segment.start, position - BLOCK_BYTES);
      const block = await withFile(segment.file, (handle) =>
        readAt(handle, begin - segment.start, position - begin),
      );
      if (block === null) return position;
      // The newline that ends the last line begins none.
      const from = last && block.at(-1) === NEWLINE ? block.length - 2 : block.length - 1;
      last = false;
      for (let i = from; i >= 0; i -= 1) {
        if (block[i] !== NEWLINE) continue;
        left -= 1;
        if (left === 0) return begin + i + 1;
      }
      position = begin;
    }
  }
  return position;
}

async function readAt(handle: FileHandle, position: number, bytes: number): Promise<Buffer> {
  const { bytesRead, buffer } = await handle.read(Buffer.allocUnsafe(bytes), 0, bytes, position);
  return buffer.subarray(0, bytesRead);
}

/** null: the file is gone. */
async function withFile<T>(file: string, use: (handle: FileHandle) => Promise<T>): Promise<T | null> {
  let handle: FileHandle;
  try {
    handle = await open(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
  try {
    return await use(handle);
  } finally {
    await handle.close();
  }
}
