import { PbfReader } from 'pbf';
import { seriesName } from './figures.js';
import type { Observation } from './formats.js';

/** TFRecord (tensorflow/core/lib/io/record_writer.h): length, its CRC, data, its CRC; little-endian. */
const HEADER_BYTES = 12;
const FOOTER_BYTES = 4;
/** Pictures and graphs are larger than what scalars take; they are skipped. */
const LARGEST_BYTES = 1024 * 1024;

/** Reads an event file of TensorBoard while it is written: the scalars of each event. It ends at whatever is no whole record. */
export class EventFile {
  private open = Buffer.alloc(0);
  private skipped = 0;
  private toSkip = 0;
  /** Whether what follows can't be read, since something that came was no record. */
  isBroken = false;

  /** How many bytes there are since the last record's end. */
  get openBytes(): number {
    return this.open.length + this.skipped;
  }

  *add(bytes: Buffer): Generator<Observation> {
    this.open = this.open.length === 0 ? Buffer.from(bytes) : Buffer.concat([this.open, bytes]);
    while (!this.isBroken) {
      if (this.toSkip > 0 && !this.skip()) return;
      if (this.open.length < HEADER_BYTES) return;
      const length = Number(this.open.readBigUInt64LE(0));
      if (!isIntact(this.open.subarray(0, 8), this.open.readUInt32LE(8))) {
        this.isBroken = true;
        return;
      }
      const whole = HEADER_BYTES + length + FOOTER_BYTES;
      if (length > LARGEST_BYTES) {
        this.toSkip = whole;
        continue;
      }
      if (this.open.length < whole) return;
      const data = this.open.subarray(HEADER_BYTES, HEADER_BYTES + length);
      this.isBroken = !isIntact(data, this.open.readUInt32LE(HEADER_BYTES + length));
      this.open = this.open.subarray(whole);
      if (!this.isBroken) yield* scalarsOf(data);
    }
  }

  /** @returns whether all that was to be skipped is */
  private skip(): boolean {
    const part = Math.min(this.toSkip, this.open.length);
    this.open = this.open.subarray(part);
    this.toSkip -= part;
    this.skipped = this.toSkip === 0 ? 0 : this.skipped + part;
    return this.toSkip === 0;
  }
}

interface Event {
  /** In s since the epoch. */
  wallTime: number;
  step: number;
  scalars: Record<string, number>;
}

/** What an event says (tensorflow/core/util/event.proto, framework/summary.proto, framework/tensor.proto). */
function* scalarsOf(data: Buffer): Generator<Observation> {
  let event: Event;
  try {
    event = new PbfReader(data).readFields(readEvent, { wallTime: 0, step: 0, scalars: {} });
  } catch {
    // Its sum is right, yet it is no message: whoever wrote it means something else.
    return;
  }
  const { wallTime, step, scalars } = event;
  if (Object.keys(scalars).length > 0 && Number.isFinite(step))
    yield { source: 'tensorboard', step, at: wallTime * 1000, metrics: scalars };
}

function readEvent(field: number, event: Event, pbf: PbfReader): void {
  if (field === 1) event.wallTime = pbf.readDouble();
  else if (field === 2) event.step = pbf.readVarint(true);
  else if (field === 5) pbf.readMessage(readSummary, event);
}

function readSummary(field: number, event: Event, pbf: PbfReader): void {
  if (field !== 1) return;
  const value: { tag: string; figure: number | null } = { tag: '', figure: null };
  pbf.readMessage(readValue, value);
  const name = seriesName(value.tag);
  if (name !== null && value.figure !== null) event.scalars[name] = value.figure;
}

function readValue(field: number, value: { tag: string; figure: number | null }, pbf: PbfReader): void {
  if (field === 1) value.tag = pbf.readString();
  else if (field === 2) value.figure = pbf.readFloat();
  else if (field === 8)
    value.figure = figureOf(pbf.readMessage(readTensor, { type: 0, figures: [], bytes: null }));
}

/** What of a tensor tells whether it is one number. */
interface Tensor {
  type: number;
  figures: number[];
  bytes: Uint8Array | null;
}

const FLOAT = 1;
const DOUBLE = 2;

function readTensor(field: number, tensor: Tensor, pbf: PbfReader): void {
  if (field === 1) tensor.type = pbf.readVarint();
  else if (field === 4) tensor.bytes = pbf.readBytes();
  else if (field === 5) pbf.readPackedFloat(tensor.figures);
  else if (field === 6) pbf.readPackedDouble(tensor.figures);
}

function figureOf({ type, figures, bytes }: Tensor): number | null {
  if (figures.length === 1) return figures[0] as number;
  if (!bytes) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (type === FLOAT && bytes.length === 4) return view.getFloat32(0, true);
  return type === DOUBLE && bytes.length === 8 ? view.getFloat64(0, true) : null;
}

/** CRC-32C (RFC 3720, appendix B.4), reflected. */
const CRC32C = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit += 1) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  return crc >>> 0;
});

/** Whether bytes have this sum, masked as TFRecord masks it: rotated by 15, and a constant added. */
function isIntact(bytes: Buffer, masked: number): boolean {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = (CRC32C[(crc ^ byte) & 0xff] as number) ^ (crc >>> 8);
  crc = ~crc >>> 0;
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0 === masked;
}
