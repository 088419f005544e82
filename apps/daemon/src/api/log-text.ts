import type { Readable } from 'node:stream';
import { constants, createBrotliCompress, createGzip } from 'node:zlib';
import { formatBytes } from '@berth/contract';
import type { TaskLog } from '@berth/task-shim';
import type { LogPiece } from './log-follower.js';

const BLOCK_BYTES = 256 * 1024;
/** Of 11: twice as fast as gzip's default, and smaller. */
const BROTLI_QUALITY = 4;

/** The bytes of a log; where its middle is gone a line says how much. */
export async function* bytesOf(pieces: AsyncIterable<LogPiece>): AsyncGenerator<Buffer> {
  for await (const { from, to, data } of pieces) {
    yield data ??
      Buffer.from(`\n[${formatBytes(to - from)} of output are gone here: the log had reached its limit]\n`);
  }
}

/** A part of a log, both ends inclusive, of so many bytes. */
export interface LogRange {
  first: number;
  last: number;
  size: number;
}

/**
 * What a `Range` header asks for (RFC 9110, section 14): one range of bytes.
 * @returns null: something else, which is to be ignored; `unsatisfiable`: there is nothing of it
 */
export function rangeIn(header: string | undefined, size: number): LogRange | 'unsatisfiable' | null {
  const [, from = '', to = ''] = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header ?? '') ?? [];
  if (from === '' && to === '') return null;
  const first = from === '' ? Math.max(0, size - Number(to)) : Number(from);
  const last = from === '' || to === '' ? size - 1 : Math.min(Number(to), size - 1);
  if (from !== '' && to !== '' && Number(to) < first) return null;
  return first > last ? 'unsatisfiable' : { first, last, size };
}

/** As much of a range as is there in one piece: what a very long log has dropped can't be sent as bytes of it. */
export function inOnePiece(range: LogRange, gaps: readonly { from: number; to: number }[]): LogRange | null {
  const inside = gaps.find(({ from, to }) => range.first >= from && range.first < to);
  const first = inside ? inside.to : range.first;
  const next = gaps.find(({ from }) => from > first);
  const last = Math.min(range.last, (next?.from ?? Number.POSITIVE_INFINITY) - 1);
  return first > last ? null : { ...range, first, last };
}

export async function* bytesIn(log: TaskLog, { first, last }: LogRange): AsyncGenerator<Buffer> {
  for (let from = first; from <= last; ) {
    const { chunks, next, skipped } = await log.read(from, Math.min(BLOCK_BYTES, last + 1 - from));
    // Its length was promised: breaking off says that it isn't all.
    if (skipped || next === from) throw new Error('the log has dropped what was asked for');
    for (const { data } of chunks) yield data;
    from = next;
  }
}

/** The best encoding that an `Accept-Encoding` header takes and that we have; null: as it is. */
export function encodingFor(header: string | undefined): 'br' | 'gzip' | null {
  const accepted = new Map(
    (header ?? '').split(',').map((part) => {
      const [name = '', ...parameters] = part
        .trim()
        .toLowerCase()
        .split(/\s*;\s*/);
      const quality = parameters.find((parameter) => parameter.startsWith('q='));
      return [name, quality === undefined ? 1 : Number(quality.slice(2))];
    }),
  );
  const taken = (name: string): boolean => (accepted.get(name) ?? accepted.get('*') ?? 0) > 0;
  if (accepted.has('br') && taken('br')) return 'br';
  return taken('gzip') ? 'gzip' : null;
}

export function compressed(source: Readable, encoding: 'br' | 'gzip'): Readable {
  const params = { [constants.BROTLI_PARAM_QUALITY]: BROTLI_QUALITY };
  const compressor = encoding === 'br' ? createBrotliCompress({ params }) : createGzip();
  source.on('error', (error) => compressor.destroy(error));
  compressor.on('close', () => source.destroy());
  return source.pipe(compressor);
}
