import { describe, expect, it } from 'vitest';
import { proposalOf, shareOf } from './sharing.js';

const GIB = 2 ** 30;

describe('what is proposed to a job that asks for as much as earlier runs had', () => {
  it('is the largest peak, a tenth and a quarter of a GiB, in steps of 64 MiB, and says from which runs', () => {
    const peaks = [
      { number: 9, bytes: 8 * GIB },
      { number: 7, bytes: 10 * GIB },
    ];
    expect(proposalOf(peaks)).toEqual({ bytes: 11.25 * GIB, from: [9, 7] });
    expect(proposalOf([{ number: 1, bytes: 1 }])?.bytes).toBe(320 * 2 ** 20);
  });

  it('is nothing where there was no run', () => {
    expect(proposalOf([])).toBeNull();
  });
});

it('a share is bytes or slots', () => {
  expect(shareOf(null)).toBeNull();
  expect(shareOf({ memoryBytes: GIB, slots: null, proposedFrom: null })).toEqual({ memoryBytes: GIB });
  expect(shareOf({ memoryBytes: null, slots: 4, proposedFrom: null })).toEqual({ slots: 4 });
});
