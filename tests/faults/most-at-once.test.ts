import { expect, it } from 'vitest';
import type { Note } from './checker.js';
import { mostAtOnce } from './most-at-once.js';

const stay = (from: number, to: number | null): Note[] => [
  { what: 'start', attempt: 1, rank: 0, pid: 7, detail: '0', at: from },
  ...(to === null ? [] : [{ what: 'end' as const, attempt: 1, rank: 0, pid: 7, detail: '0', at: to }]),
];

it.each([
  ['nobody', [], 0],
  ['one after another', [stay(1, 2), stay(2, 3)], 1],
  ['two of three', [stay(1, 3), stay(2, 4), stay(3, 5)], 2],
  ['all', [stay(1, 3), stay(1, 3), stay(1.5, 1.6)], 3],
  ['who never came to an end is not counted', [stay(1, 2), stay(1, null)], 1],
  ['who came and went within a hundredth of a second may have been alone', [stay(1, 1), stay(1, 1)], 0],
])('%s', (_who, notes, most) => {
  expect(mostAtOnce(notes)).toBe(most);
});
