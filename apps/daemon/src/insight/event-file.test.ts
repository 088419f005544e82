import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { EventFile } from './event-file.js';
import type { Observation } from './formats.js';

/** Written by torch.utils.tensorboard of PyTorch 1.13 with TensorBoard 2.21: scalars, a text, a scalar as a tensor. */
const RECORDING = readFileSync(new URL('recordings/events.out.tfevents', import.meta.url));

/** What is read of bytes that come in pieces of a size. */
function read(bytes: Buffer, size = bytes.length): { seen: Observation[]; file: EventFile } {
  const file = new EventFile();
  const seen: Observation[] = [];
  for (let i = 0; i < bytes.length; i += size) seen.push(...file.add(bytes.subarray(i, i + size)));
  return { seen, file };
}

/** A record of TFRecord. Its sums are made bit by bit, otherwise than they are checked. */
function record(data: Buffer, isWhole = true): Buffer {
  const masked = (bytes: Buffer): number => {
    let crc = 0xffffffffn;
    for (const byte of bytes) {
      crc ^= BigInt(byte);
      for (let bit = 0; bit < 8; bit += 1) crc = crc & 1n ? (crc >> 1n) ^ 0x82f63b78n : crc >> 1n;
    }
    crc ^= 0xffffffffn;
    const rotated = ((crc >> 15n) | (crc << 17n)) & 0xffffffffn;
    return Number((rotated + 0xa282ead8n) & 0xffffffffn);
  };
  const [header, footer] = [Buffer.alloc(12), Buffer.alloc(4)];
  header.writeBigUInt64LE(BigInt(data.length));
  header.writeUInt32LE(masked(header.subarray(0, 8)), 8);
  if (isWhole) footer.writeUInt32LE(masked(data));
  return Buffer.concat([header, data, footer]);
}

describe('an event file of TensorBoard', () => {
  it.each([1, 7, 100, 1000])('is read in pieces of %d bytes as it was written', (size) => {
    const { seen, file } = read(RECORDING, size);
    expect(file).toMatchObject({ isBroken: false, openBytes: 0 });
    const figures = seen.flatMap(({ step, metrics }) =>
      Object.entries(metrics).map(([name, value]) => [name, step, Number(value.toPrecision(6))]),
    );
    expect(figures.filter(([name]) => name === 'loss/train')).toEqual([
      ['loss/train', 0, 2],
      ['loss/train', 10, 0.181818],
      ['loss/train', 20, 0.0952381],
      ['loss/train', 30, 0.0645161],
      ['loss/train', 40, 0.0487805],
    ]);
    expect(figures.filter(([name]) => name === 'lr')).toHaveLength(5);
    expect(figures.slice(-2)).toEqual([
      ['loss/val', 3, Number.NaN],
      ['new_style', 7, 0.75],
    ]);
    for (const { at } of seen) expect(new Date(at as number).getFullYear()).toBe(2026);
  });

  it('is read up to where it is no event file any more', () => {
    const bent = Buffer.from(RECORDING);
    bent[RECORDING.length - 10] = (bent[RECORDING.length - 10] as number) ^ 1;
    const { seen, file } = read(bent);
    expect(seen).toHaveLength(read(RECORDING).seen.length - 1);
    expect(file.isBroken).toBe(true);
    expect(read(Buffer.from('no event file at all, but text')).file.isBroken).toBe(true);
    expect(read(RECORDING.subarray(0, -5)).file.isBroken).toBe(false);
  });

  it('may hold what is large, or means nothing: that is passed over', () => {
    // Not even its sum is looked at.
    const picture = record(Buffer.alloc(3 * 2 ** 20, 1), false);
    const nonsense = record(Buffer.from([0x2a, 0xff, 0xff, 0xff, 0x7f, 0x0a]));
    const { seen, file } = read(Buffer.concat([picture, nonsense, RECORDING]), 65_536);
    expect(seen).toEqual(read(RECORDING).seen);
    expect(file.openBytes).toBe(0);
  });
});
